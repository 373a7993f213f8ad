// What better-sqlite3 offers, with cached tables: each test stands for itself.
//
//     node node_client.js --list          the names of the tests
//     node node_client.js NAME            runs one; an exception is its failure
//
// QUERYCACHE is the extension. better-sqlite3 is looked for from the current folder.

'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { createRequire } = require('node:module');
const { Worker, isMainThread, workerData, parentPort } = require('node:worker_threads');
const Database = createRequire(path.join(process.cwd(), 'here.js'))('better-sqlite3');

const SELECT = `SELECT region, sum(amount) AS total FROM main.sales
  WHERE year = :year GROUP BY region`;
const ROWS = [{ region: 'north', total: 20 }, { region: 'south', total: 5 }];

function load(db) {
  db.loadExtension(process.env.QUERYCACHE);
  db.exec(`CREATE VIRTUAL TABLE temp.by_region USING cache((${SELECT}))`);
  return db;
}

function fill(db) {
  db.exec(`CREATE TABLE sales(year INTEGER, region TEXT, amount INTEGER);
           INSERT INTO sales VALUES (2023, 'north', 10), (2024, 'north', 20), (2024, 'south', 5)`);
  return db;
}

function status(db) {
  return db.prepare('SELECT cache_last_status()').pluck().get();
}

function count(db, column) {
  return db.prepare(`SELECT ${column} FROM cache_stats`).pluck().get();
}

if (!isMainThread) {
  const db = load(new Database(workerData.file));
  const read = db.prepare('SELECT * FROM by_region(?)');
  const write = db.prepare('UPDATE sales SET amount = amount WHERE year = 2023');
  let hits = 0;
  for (let i = 0; i < workerData.reads; i++) {
    assert.deepStrictEqual(read.all(2024), ROWS);
    hits += status(db) === 'hit';
    if (workerData.writes) write.run();
  }
  db.close();
  parentPort.postMessage(hits);
}

function work(workerData) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData });
    worker.once('message', resolve).once('error', reject);
  });
}

const tests = {
  'it works against the SQLite that loads it': (file, db) => {
    const version = db.prepare('SELECT sqlite_version()').pluck().get();
    const header = path.resolve('node_modules/better-sqlite3/deps/sqlite3/sqlite3.h');
    assert.ok(fs.readFileSync(header, 'utf8').includes(`"${version}"`), version);
    assert.match(db.prepare('SELECT querycache_version()').pluck().get(), /^\d+\.\d+\.\d+$/);
  },

  'get, all, iterate, pluck, raw and expand are the same for a miss and a hit': (file, db) => {
    const read = db.prepare('SELECT * FROM by_region(?)');
    for (const expected of ['miss', 'hit']) {
      assert.deepStrictEqual(read.all(2024), ROWS);
      assert.strictEqual(status(db), expected);
    }
    assert.deepStrictEqual(read.get(2024), ROWS[0]);
    assert.deepStrictEqual([...read.iterate(2024)], ROWS);
    assert.deepStrictEqual(read.get(1999), undefined);
    assert.deepStrictEqual(db.prepare('SELECT * FROM by_region(?)').pluck().all(2024),
                           ['north', 'south']);
    assert.deepStrictEqual(db.prepare('SELECT * FROM by_region(?)').raw().all(2024),
                           [['north', 20], ['south', 5]]);
    assert.deepStrictEqual(db.prepare('SELECT * FROM by_region(?)').expand().get(2023),
                           { by_region: { region: 'north', total: 10 } });
    assert.strictEqual(status(db), 'miss');
  },

  'columns are described as those of the table': (file, db) => {
    const [region, total] = db.prepare('SELECT * FROM by_region(?)').columns();
    assert.deepStrictEqual([region.name, region.type, total.name], ['region', 'TEXT', 'total']);
    const plain = db.prepare('SELECT region FROM sales').columns()[0];
    assert.strictEqual(region.type, plain.type);
  },

  'an iteration that is broken off leaves nothing open': (file, db) => {
    for (const row of db.prepare('SELECT * FROM by_region(?)').iterate(2024)) {
      assert.deepStrictEqual(row, ROWS[0]);
      break;
    }
    db.exec('DELETE FROM sales');
    assert.deepStrictEqual(db.prepare('SELECT * FROM by_region(?)').all(2024), []);
  },

  'numbers, BigInts and text are different parameters': (file, db) => {
    const read = db.prepare('SELECT * FROM by_region(?)');
    for (const year of [2024, 2024n, '2024']) {
      assert.deepStrictEqual(read.all(year), ROWS);
      assert.strictEqual(status(db), 'miss');
      read.all(year);
      assert.strictEqual(status(db), 'hit');
    }
  },

  'integers beyond 2^53 come back whole as BigInt': (file, db) => {
    const large = 2n ** 63n - 1n;
    db.exec('CREATE TABLE big(x)');
    db.prepare('INSERT INTO big VALUES (?), (?)').run(large, -large - 1n);
    db.exec('CREATE VIRTUAL TABLE temp.cached USING cache((SELECT x FROM main.big))');
    const read = db.prepare('SELECT x FROM cached').pluck().safeIntegers();
    for (const expected of ['miss', 'hit']) {
      assert.deepStrictEqual(read.all(), [large, -large - 1n]);
      assert.strictEqual(status(db), expected);
    }
  },

  'buffers, null, empty text and text with a zero byte come back from a hit': (file, db) => {
    const values = [Buffer.from([0, 255]), Buffer.alloc(0), null, '', 'a\0b', 'ö', 0.5, -0, 1 / 0];
    db.exec('CREATE TABLE things(x)');
    for (const value of values) db.prepare('INSERT INTO things VALUES (?)').run(value);
    db.exec('CREATE VIRTUAL TABLE temp.cached USING cache((SELECT x FROM main.things))');
    const plain = db.prepare('SELECT x FROM main.things').pluck().all();
    const read = db.prepare('SELECT x FROM cached').pluck();
    for (const expected of ['miss', 'hit']) {
      assert.deepStrictEqual(read.all(), plain);
      assert.strictEqual(status(db), expected);
    }
  },

  'a transaction reads its own writes, and a rollback takes them back': (file, db) => {
    const read = db.prepare('SELECT * FROM by_region(?)');
    read.all(2024);
    const change = db.transaction((then) => {
      db.prepare("UPDATE sales SET amount = 6 WHERE region = 'south'").run();
      assert.strictEqual(read.all(2024)[1].total, 6);
      assert.strictEqual(status(db), 'bypass');
      then();
    });
    assert.throws(() => change(() => { throw new Error('no'); }), /no/);
    assert.deepStrictEqual(read.all(2024), ROWS);
    assert.strictEqual(status(db), 'hit');
    change(() => {});
    assert.strictEqual(read.all(2024)[1].total, 6);
    assert.strictEqual(status(db), 'miss');
  },

  'a nested transaction is a savepoint, whose rollback is not the outer one\'s': (file, db) => {
    const read = db.prepare('SELECT * FROM by_region(?)');
    const set = db.prepare("UPDATE sales SET amount = ? WHERE region = 'south'");
    const inner = db.transaction(() => { set.run(7); throw new Error('inner'); });
    db.transaction(() => {
      set.run(6);
      assert.throws(inner, /inner/);
      assert.strictEqual(read.all(2024)[1].total, 6);
    }).immediate();
    assert.strictEqual(read.all(2024)[1].total, 6);
  },

  'user functions and aggregates are cached where they are deterministic': (file, db) => {
    let calls = 0;
    db.function('twice', { deterministic: true }, (x) => { calls++; return 2 * x; });
    db.aggregate('product', { start: 1, step: (all, x) => all * x, deterministic: true });
    db.exec(`CREATE VIRTUAL TABLE temp.cached USING cache(
      (SELECT sum(twice(amount)) AS s, product(amount) AS p FROM main.sales))`);
    for (let i = 0; i < 3; i++) {
      assert.deepStrictEqual(db.prepare('SELECT s, p FROM cached').get(), { s: 70, p: 1000 });
    }
    assert.strictEqual(calls, 3);
    db.function('lucky', () => 7);
    const luck = 'CREATE VIRTUAL TABLE temp.luck USING cache((SELECT lucky() AS x))';
    assert.throws(() => db.exec(luck), /lucky/);
  },

  'an exception in a user function is the error of the read, and nothing is kept': (file, db) => {
    let fail = true;
    db.function('perhaps', { deterministic: true }, (x) => {
      if (fail) throw new TypeError('oh');
      return x;
    });
    db.exec(`CREATE VIRTUAL TABLE temp.cached USING cache(
      (SELECT perhaps(amount) AS x FROM main.sales))`);
    const read = db.prepare('SELECT x FROM cached').pluck();
    assert.throws(() => read.all());
    fail = false;
    assert.deepStrictEqual(read.all(), [10, 20, 5]);
  },

  'a table of the application is refused by name': (file, db) => {
    db.table('numbers', { columns: ['n'], * rows() { yield [1]; } });
    assert.throws(() => db.exec('CREATE VIRTUAL TABLE temp.c USING cache((SELECT n FROM numbers))'),
                  /numbers/);
  },

  'another connection is seen at once; once it reads, it ends only what it wrote': (file, db) => {
    const other = load(new Database(file));
    db.exec('CREATE TABLE unrelated(x)');
    const read = db.prepare('SELECT * FROM by_region(?)');
    read.all(2024);
    read.all(2024);
    other.exec('INSERT INTO unrelated VALUES (1)');
    other.prepare('SELECT * FROM by_region(?)').all(2023);
    assert.deepStrictEqual(read.all(2024), ROWS);
    assert.strictEqual(status(db), 'hit');
    other.exec("UPDATE sales SET amount = 6 WHERE region = 'south'");
    assert.strictEqual(read.all(2024)[1].total, 6);
    other.close();
  },

  'a connection that only reads shares results': (file, db) => {
    db.prepare('SELECT * FROM by_region(?)').all(2024);
    const reader = load(new Database(file, { readonly: true }));
    assert.deepStrictEqual(reader.prepare('SELECT * FROM by_region(?)').all(2024), ROWS);
    assert.strictEqual(status(reader), 'hit');
    reader.close();
  },

  'worker threads with a connection each share results': async (file, db) => {
    db.prepare('SELECT * FROM by_region(?)').all(2024);
    const hits = await Promise.all([1, 2, 3].map(() => work({ file, reads: 200 })));
    assert.deepStrictEqual(hits, [200, 200, 200]);
  },

  'worker threads that write keep each other exact': async (file, db) => {
    await Promise.all([1, 2].map(() => work({ file, reads: 100, writes: true })));
    assert.deepStrictEqual(db.prepare('SELECT * FROM by_region(?)').all(2024), ROWS);
  },

  'a backup has the rows, and its own results': async (file, db) => {
    db.prepare('SELECT * FROM by_region(?)').all(2024);
    await db.backup(file + '.copy');
    const copy = load(new Database(file + '.copy'));
    copy.exec("DELETE FROM sales WHERE region = 'south'");
    assert.deepStrictEqual(copy.prepare('SELECT * FROM by_region(?)').all(2024), [ROWS[0]]);
    assert.deepStrictEqual(db.prepare('SELECT * FROM by_region(?)').all(2024), ROWS);
    assert.strictEqual(status(db), 'hit');
    copy.close();
  },

  'a serialized database can be opened and cached': (file, db) => {
    db.pragma('journal_mode = DELETE'); /* SQLite opens no WAL database in memory */
    const copy = load(new Database(db.serialize()));
    for (let i = 0; i < 2; i++) {
      assert.deepStrictEqual(copy.prepare('SELECT * FROM by_region(?)').all(2024), ROWS);
    }
    copy.exec('DELETE FROM sales');
    assert.deepStrictEqual(copy.prepare('SELECT * FROM by_region(?)').all(2024), []);
    copy.close();
  },

  'a memory database is cached for its connection': () => {
    const db = load(fill(new Database(':memory:')));
    const read = db.prepare('SELECT * FROM by_region(?)');
    for (const expected of ['miss', 'hit']) {
      assert.deepStrictEqual(read.all(2024), ROWS);
      assert.strictEqual(status(db), expected);
    }
    db.exec('DELETE FROM sales');
    assert.deepStrictEqual(read.all(2024), []);
  },

  'a missing extension is an error that says so': (file, db) => {
    assert.throws(() => db.loadExtension(file + '/nowhere'), /nowhere/);
  },

  'connections that are not closed do not keep the process': (file) => {
    load(new Database(file)).prepare('SELECT * FROM by_region(?)').all(2024);
    assert.ok(count(load(new Database(file)), 'entries') > 0);
  },
};

async function main(name) {
  if (name === '--list') return console.log(Object.keys(tests).join('\n'));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-'));
  try {
    const file = path.join(folder, 'shop.db');
    const db = new Database(file);
    db.pragma('journal_mode = WAL');
    fill(db);
    await tests[name](file, load(db));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

if (isMainThread) {
  main(process.argv[2]).catch((error) => {
    console.error(error);
    process.exitCode = 1;
  });
}
