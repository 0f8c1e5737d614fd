-- Each service has a database and a user of its own.
create database shop_order;
create table shop_order.orders (
  id varchar(64) primary key,
  product varchar(64) not null,
  count bigint not null,
  state varchar(16) not null
) engine = innodb;

create database shop_stock;
create table shop_stock.stock (
  product varchar(64) primary key,
  count bigint not null
) engine = innodb;
insert into shop_stock.stock values ('apples', 20);

-- The barrier, as DTM's clients expect it: on every database server that a branch writes to.
create database dtm_barrier;
create table dtm_barrier.barrier (
  id bigint primary key auto_increment,
  trans_type varchar(45) default '',
  gid varchar(128) default '',
  branch_id varchar(128) default '',
  op varchar(45) default '',
  barrier_id varchar(45) default '',
  reason varchar(45) default '',
  create_time datetime default now(),
  update_time datetime default now(),
  key (create_time),
  key (update_time),
  unique key (gid, branch_id, op, barrier_id)
) engine = innodb;

-- A branch of a saga writes to the barrier and never reads it. (Two-phase messages need select, too.)
create user `order`@127.0.0.1 identified by 'order';
grant select, insert, update on shop_order.* to `order`@127.0.0.1;
grant insert on dtm_barrier.barrier to `order`@127.0.0.1;
create user stock@127.0.0.1 identified by 'stock';
grant select, insert, update on shop_stock.* to stock@127.0.0.1;
grant insert on dtm_barrier.barrier to stock@127.0.0.1;
