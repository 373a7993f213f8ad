-- The dashboard of the demo: five queries, each a view of the database. Every one has a column
-- `revenue`, over which the demo's checksum goes.

-- Aggregates: what each region sold in each year.
CREATE VIEW revenue_by_region AS
SELECT regions.name AS region, substr(day, 1, 4) AS year, count(*) AS sales,
       sum(amount) / 100.0 AS revenue
  FROM sales JOIN regions ON regions.id = sales.region
 GROUP BY region, year;

-- A join of three tables: what each shelf sold.
CREATE VIEW revenue_by_shelf AS
SELECT categories.name AS shelf, sum(quantity) AS pieces, sum(amount) / 100.0 AS revenue
  FROM sales
       JOIN products ON products.id = sales.product
       JOIN categories ON categories.id = products.category
 GROUP BY categories.id
 ORDER BY shelf;

-- Window functions: each month's revenue, the year so far, and the change to the month before.
CREATE VIEW revenue_by_month AS
SELECT month, revenue,
       sum(revenue) OVER (PARTITION BY substr(month, 1, 4) ORDER BY month) AS year_so_far,
       revenue - lag(revenue) OVER (ORDER BY month) AS change
  FROM (SELECT substr(day, 1, 7) AS month, sum(amount) / 100.0 AS revenue
          FROM sales
         GROUP BY month)
 ORDER BY month;

-- Top N: the ten best customers.
CREATE VIEW best_customers AS
SELECT customers.name AS customer, count(*) AS sales, sum(amount) / 100.0 AS revenue
  FROM sales JOIN customers ON customers.id = sales.customer
 GROUP BY customers.id
 ORDER BY revenue DESC, customers.id
 LIMIT 10;

-- A recursive CTE: the tree of categories, where each has the revenue of all that is below it.
CREATE VIEW revenue_tree AS
WITH RECURSIVE
    below(top, id) AS (
        SELECT id, id FROM categories
        UNION ALL
        SELECT below.top, categories.id
          FROM below JOIN categories ON categories.parent = below.id),
    shelves(category, revenue) AS (
        SELECT products.category, sum(amount) / 100.0
          FROM sales JOIN products ON products.id = sales.product
         GROUP BY products.category)
SELECT categories.name AS category, count(*) AS shelves, sum(shelves.revenue) AS revenue
  FROM below
       JOIN shelves ON shelves.category = below.id
       JOIN categories ON categories.id = below.top
 GROUP BY below.top
 ORDER BY below.top;
