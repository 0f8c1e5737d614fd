// What the suite needs of each store. A program defines make_store_bed() and is linked with the suite's files.
#pragma once

#include <memory>

#include "settle/store.hpp"

namespace settle {

// A store of its own, empty at first, that goes with the bed.
class StoreBed {
 public:
  virtual ~StoreBed() = default;
  virtual Store& store() = 0;
  // Closes the store and opens it again on the same data. False where the store keeps none.
  virtual bool reopen() = 0;
  // Texts and names may be any bytes of any length. Otherwise they are what the columns of a database hold: UTF-8, and
  // as long as Store::check allows; and a transaction has nothing that its type does not have.
  virtual bool holds_any_bytes() const { return true; }
  // The gids of what was purged are known until they are forgotten.
  virtual bool remembers_purged() const { return true; }
};

std::unique_ptr<StoreBed> make_store_bed();

}  // namespace settle
