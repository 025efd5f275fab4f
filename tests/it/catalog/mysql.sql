CREATE TABLE tenants(id int PRIMARY KEY, slug varchar(40) NOT NULL, title text, owner_id bigint unsigned,
    created timestamp(3) NOT NULL DEFAULT current_timestamp(3) ON UPDATE current_timestamp(3),
    UNIQUE KEY slug (slug), UNIQUE KEY beginning (title(10))) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_general_ci;
CREATE TABLE users(tenant_id int NOT NULL, id bigint unsigned AUTO_INCREMENT, email varchar(90) COLLATE utf8mb4_bin,
    manager_id bigint unsigned, tenant_slug varchar(40) COLLATE utf8mb4_general_ci DEFAULT 'none', secret varbinary(16) INVISIBLE,
    PRIMARY KEY (id), UNIQUE (tenant_id, id), KEY (email),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    CONSTRAINT boss FOREIGN KEY (manager_id) REFERENCES users (id) ON DELETE SET NULL,
    FOREIGN KEY (tenant_slug) REFERENCES tenants (slug) ON DELETE RESTRICT ON UPDATE CASCADE) COLLATE utf8mb4_general_ci;
ALTER TABLE tenants ADD CONSTRAINT owner FOREIGN KEY (owner_id) REFERENCES users (id);
CREATE TABLE `Invoice`(`Tenant` int NOT NULL, `No` int NOT NULL, `User` bigint unsigned, total decimal(30,10) CHECK (total >= 0),
    doubled decimal(31,10) AS (total * 2) STORED, next int AS (`No` + 1) VIRTUAL, kind enum('a','it''s') DEFAULT 'a',
    PRIMARY KEY (`Tenant`, `No`),
    CONSTRAINT `inv user` FOREIGN KEY (`Tenant`, `User`) REFERENCES users (tenant_id, id),
    CONSTRAINT `no refunds` CHECK (`Tenant` <> 3 OR total > 0),
    FOREIGN KEY (`Tenant`) REFERENCES tenants (id) ON DELETE NO ACTION) COLLATE utf8mb4_general_ci;
CREATE TABLE `odd ``quoted`` "table"`(id int PRIMARY KEY, `tenant;id` int, parent int, position point,
    FOREIGN KEY (`tenant;id`) REFERENCES tenants (id), FOREIGN KEY (parent) REFERENCES `odd ``quoted`` "table"` (id) ON DELETE CASCADE);
CREATE TABLE hits(id int, year int, PRIMARY KEY (id, year)) PARTITION BY HASH (year) PARTITIONS 4;
CREATE TABLE counters(id int PRIMARY KEY, n int) ENGINE = MyISAM;
CREATE TABLE cache(id int PRIMARY KEY) ENGINE = MEMORY;
CREATE TABLE history(id int PRIMARY KEY, tenant_id int, FOREIGN KEY (tenant_id) REFERENCES tenants (id)) WITH SYSTEM VERSIONING;
CREATE TABLE logs(what varchar(20), amount double, flags bit(3), data json);
CREATE SEQUENCE numbers;
CREATE VIEW active AS SELECT * FROM users;
CREATE TRIGGER logs_gone AFTER DELETE ON logs FOR EACH ROW SET @gone = 1;
CREATE TRIGGER logs_new BEFORE INSERT ON logs FOR EACH ROW SET @new = 1;
CREATE TRIGGER logs_moved BEFORE UPDATE ON logs FOR EACH ROW SET @moved = 1;
