'use strict';

// The name of this platform's folder in prebuilds/, such as linux-x64. A library for one libc does
// not load with the other, so musl is told apart: linux-x64-musl.
function usesGlibc() {
    const { report } = process;
    const before = report.excludeNetwork;
    report.excludeNetwork = true; // looks up names, which can take long
    try {
        return Boolean(report.getReport().header.glibcVersionRuntime);
    } finally {
        report.excludeNetwork = before;
    }
}

const libc = process.platform !== 'linux' || usesGlibc() ? '' : '-musl';
module.exports = `${process.platform}-${process.arch}${libc}`;
