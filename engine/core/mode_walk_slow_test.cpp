// The walks of mode_walk_test.cpp with three rows, two writes behind and nothing left out: some minutes.
#include <doctest/doctest.h>

#include "engine/core/mode_walk_shapes.hpp"

namespace settle::core::mode_walk {
namespace {

TEST_CASE("core/mode_walk: three branches of a tcc or xa, two writes behind -> the invariants hold") {
  Total total;
  for (TransType type : {TransType::tcc, TransType::xa}) total.add({.type = type, .count = 3, .changed = true}, 2);
}

TEST_CASE("core/mode_walk: three actions of a message, two writes behind -> the invariants hold") {
  Total total;
  Shape shape{.type = TransType::msg, .count = 3, .query = true, .delay_s = 3};
  shape.changed = shape.created_submitted = true;
  total.add(shape, 2);
  shape.concurrent = true;
  total.add(shape, 1);
}

}  // namespace
}  // namespace settle::core::mode_walk
