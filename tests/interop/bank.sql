-- The database of the bank that each SDK's program runs.
create database bank;
create table bank.account (
  name varchar(60) primary key,
  balance bigint not null,
  frozen bigint not null default 0,  -- promised by a tcc: to leave or to arrive
  closed boolean not null default false  -- it neither gives nor takes
) engine = innodb;

-- Each call of a participant, in its own transaction and thus also where the work behind it is rolled back.
create table bank.call_log (
  id bigint primary key auto_increment,
  gid varchar(128) not null,
  branch_id varchar(128) not null,
  op varchar(45) not null
) engine = innodb;

-- What the SDKs' barriers expect.
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

create user bank@127.0.0.1 identified by 'bank';
grant all on bank.* to bank@127.0.0.1;
grant all on dtm_barrier.* to bank@127.0.0.1;
