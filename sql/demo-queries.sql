-- One pass over the dashboard. The demo reads this file three times: against the views, against
-- empty cached tables that carry the views' names, and against full ones. The SQL is the same.
--
-- The first statement of each pair starts the stopwatch. The second reads the query as often as
-- the pass says, every row and its revenue, and stops it.

INSERT INTO stopwatch(query) VALUES ('revenue_by_region');
INSERT INTO reading SELECT count(*), total(revenue) FROM repeat CROSS JOIN revenue_by_region;

INSERT INTO stopwatch(query) VALUES ('revenue_by_shelf');
INSERT INTO reading SELECT count(*), total(revenue) FROM repeat CROSS JOIN revenue_by_shelf;

INSERT INTO stopwatch(query) VALUES ('revenue_by_month');
INSERT INTO reading SELECT count(*), total(revenue) FROM repeat CROSS JOIN revenue_by_month;

INSERT INTO stopwatch(query) VALUES ('best_customers');
INSERT INTO reading SELECT count(*), total(revenue) FROM repeat CROSS JOIN best_customers;

INSERT INTO stopwatch(query) VALUES ('revenue_tree');
INSERT INTO reading SELECT count(*), total(revenue) FROM repeat CROSS JOIN revenue_tree;
