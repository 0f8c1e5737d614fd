// Why is it not finished?
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "settle/transaction.hpp"

namespace settle {

// What an unfinished transaction waits for.
struct Waiting {
  std::string what;            // for a person: "a submit or an abort of its client", "an answer of branch 02"
  std::uint32_t row = 0;       // of the call that is tried, or kQueryRow; only where has_call
  bool has_call = false;       // it waits for a call: in flight, or to be tried (again)
  std::uint32_t attempts = 0;  // of that call in a row, without a success
  std::string last_error;      // of the newest call that failed; empty: none since the last success
  // Wall clock: when the call is made (again), or the client's time is up; 0: it is being called now, or nothing is
  // due.
  std::int64_t next_try_ms = 0;
};

// Nothing where it is finished. Where several rows could run, the first of them is named.
std::optional<Waiting> waiting_for(const StoredTransaction& transaction);

}  // namespace settle
