-- The data of the demo: a shop's sales over five years. Every value comes from integer arithmetic
-- on the row's number, so that each run builds the same rows.
--
--   hash of n:  (n * 2654435761) % 4294967296   Knuth's multiplicative hash, 2^32 / golden ratio
--
-- Other odd multipliers give hashes that do not move together with the first.

CREATE TABLE regions(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE categories(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES categories,
                        name TEXT NOT NULL);
CREATE TABLE products(id INTEGER PRIMARY KEY, category INTEGER NOT NULL REFERENCES categories,
                      name TEXT NOT NULL, price INTEGER NOT NULL);     -- in cents
CREATE TABLE customers(id INTEGER PRIMARY KEY, region INTEGER NOT NULL REFERENCES regions,
                       name TEXT NOT NULL);
CREATE TABLE sales(id INTEGER PRIMARY KEY, day TEXT NOT NULL,
                   customer INTEGER NOT NULL REFERENCES customers,
                   product INTEGER NOT NULL REFERENCES products,
                   region INTEGER NOT NULL REFERENCES regions,
                   quantity INTEGER NOT NULL, amount INTEGER NOT NULL);    -- in cents

BEGIN;

INSERT INTO regions(name) VALUES
    ('Alps'), ('Baltic'), ('Channel'), ('Danube'), ('Ebro'), ('Fjords'),
    ('Gulf'), ('Highlands'), ('Islands'), ('Jura'), ('Karst'), ('Lakes');

-- A tree of three levels: everything, four departments, forty shelves.
INSERT INTO categories VALUES (1, NULL, 'Everything'),
    (2, 1, 'Home'), (3, 1, 'Garden'), (4, 1, 'Sports'), (5, 1, 'Books');
WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 39)
INSERT INTO categories SELECT 6 + n, 2 + n % 4, printf('Shelf %02d', n + 1) FROM n;

WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2000)
INSERT INTO products
SELECT n, 6 + (n * 2654435761) % 4294967296 / 65536 % 40, printf('Product %04d', n),
       199 + (n * 2246822519) % 4294967296 / 65536 % 9800
  FROM n;

WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 50000)
INSERT INTO customers
SELECT n, 1 + min((n * 2654435761) % 4294967296 / 65536 % 12,       -- the first regions have
                  (n * 2246822519) % 4294967296 / 65536 % 12),      -- more customers
       printf('Customer %05d', n)
  FROM n;

COMMIT;
SELECT printf('  %d regions, %d categories, %,d products, %,d customers',
              (SELECT count(*) FROM regions), (SELECT count(*) FROM categories),
              (SELECT count(*) FROM products), (SELECT count(*) FROM customers));

-- One year of sales is the same statement each time: INSERT INTO sales_year VALUES (2020) runs it.
CREATE TEMP TABLE sales_year(year INTEGER, sales INTEGER DEFAULT 200000);
CREATE TEMP TRIGGER build_year AFTER INSERT ON sales_year
BEGIN
    INSERT INTO sales(day, customer, product, region, quantity, amount)
    WITH RECURSIVE n(n) AS (
        SELECT (new.year - 2020) * new.sales
        UNION ALL
        SELECT n + 1 FROM n WHERE n + 1 < (new.year - 2019) * new.sales),
    hashed(n, a, b, c) AS (
        SELECT n, (n * 2654435761) % 4294967296 / 16, (n * 2246822519) % 4294967296 / 16,
               (n * 3266489917) % 4294967296 / 16
          FROM n)
    SELECT date(printf('%d-01-01', new.year), printf('+%d days', n % new.sales * 365 / new.sales)),
           customers.id, products.id, customers.region, 1 + c % 5, products.price * (1 + c % 5)
      FROM hashed
           CROSS JOIN customers ON customers.id = 1 + min(a % 50000, b % 50000)  -- some buy more
           CROSS JOIN products ON products.id = 1 + c / 8 % 2000;
END;
