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
};

std::unique_ptr<StoreBed> make_store_bed();

}  // namespace settle
