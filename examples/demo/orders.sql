-- The demo's orders database: small, made up, and owned by nobody you know.
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, placed_on date NOT NULL,
                     status text NOT NULL, total_cents int NOT NULL);
CREATE TABLE orders_2019 (LIKE orders INCLUDING ALL);
INSERT INTO customers SELECT n, 'Customer ' || n, 'customer' || n || '@example.com' FROM generate_series(1, 200) n;
INSERT INTO orders SELECT n, 1 + n % 200, date '2025-01-01' + n % 365, (ARRAY['open','paid','shipped'])[1 + n % 3], 500 + n * 37 % 90000
  FROM generate_series(1, 2000) n;
INSERT INTO orders_2019 SELECT n, 1 + n % 200, date '2019-01-01' + n % 365, 'shipped', 500 + n * 31 % 90000 FROM generate_series(1, 1200) n;
