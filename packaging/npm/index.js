'use strict';

// path: the extension, as loadExtension() of better-sqlite3, node:sqlite and others takes it.

const fs = require('fs');
const path = require('path');
const platform = require('./platform');

const prebuilds = path.join(__dirname, 'prebuilds');
const suffix = process.platform === 'darwin' ? 'dylib' : 'so';
const library = path.join(prebuilds, platform, `querycache.${suffix}`);

if (!fs.existsSync(library)) {
    throw new Error(
        `querycache: this package has no library for ${platform}, only for ` +
            `${fs.readdirSync(prebuilds).sort().join(', ')}. Build it from the source on this ` +
            'platform: `make npm` makes a package for it, `make` the library alone'
    );
}

exports.path = library;
