// What the error codes of MySQL, MariaDB, Galera, TiDB and of the client library mean to this adapter.
#pragma once

#include "storage/mysql/connection.hpp"

namespace settle::mysql {

Fault fault_of(int code);

// A value that its column cannot hold: the change that brought it is to blame, not the server.
bool is_bad_value(int code);

// An error of COMMIT after which it is certain that the transaction was rolled back. After any other it is not.
bool rolled_back_at_commit(int code);

}  // namespace settle::mysql
