// Walks small transactions of every mode but saga exhaustively; mode_walk.hpp says what that means.
#include "engine/core/mode_walk.hpp"

#include <doctest/doctest.h>

#include "engine/core/mode_walk_shapes.hpp"

namespace settle::core::mode_walk {
namespace {

TEST_CASE("core/mode_walk: every small tcc -> the invariants hold") {
  Total total;
  for (std::uint32_t count : {0u, 1u}) total.add({.type = TransType::tcc, .count = count, .changed = true}, 2);
  for (std::uint32_t count : {2u, 3u}) total.add({.type = TransType::tcc, .count = count}, 1);
  for (std::uint32_t count : {1u, 2u, 3u}) {
    for (unsigned empty_rows = 0; empty_rows < 1u << 2 * count; empty_rows += count == 3 ? 7 : 1) {
      total.add_quiet({.type = TransType::tcc, .count = count, .empty_rows = empty_rows}, 2);
    }
  }
}

TEST_CASE("core/mode_walk: every small xa -> the invariants hold") {
  Total total;
  for (std::uint32_t count : {0u, 1u}) total.add({.type = TransType::xa, .count = count, .changed = true}, 2);
  for (std::uint32_t count : {2u, 3u}) total.add({.type = TransType::xa, .count = count}, 1);
  for (std::uint32_t count : {1u, 2u, 3u}) {
    for (unsigned empty_rows = 0; empty_rows < 1u << count; ++empty_rows) {
      total.add_quiet({.type = TransType::xa, .count = count, .empty_rows = empty_rows}, 2);
    }
  }
}

TEST_CASE("core/mode_walk: a message, asked about or not, delayed or not -> the invariants hold") {
  Total total;
  for (bool query : {false, true}) {
    for (std::int64_t delay_s : {0, 1, 3}) {
      for (std::int64_t changed_delay_s : {0, 3}) {
        Shape shape{.type = TransType::msg, .query = query, .delay_s = delay_s, .changed_delay_s = changed_delay_s};
        shape.changed = shape.created_submitted = true;
        for (shape.count = 0; shape.count < 2; ++shape.count) total.add(shape, 1);
      }
    }
    Shape plain{.type = TransType::msg, .count = 1, .query = query};
    plain.changed = plain.created_submitted = true;
    total.add(plain, 2);
  }
}

TEST_CASE("core/mode_walk: messages of several actions, one after another or at once -> the invariants hold") {
  Total total;
  for (bool concurrent : {false, true}) {
    for (std::uint32_t count : {2u, 3u}) {
      for (unsigned empty_rows = 0; empty_rows < 1u << count; ++empty_rows) {
        Shape shape{.type = TransType::msg, .count = count, .empty_rows = empty_rows, .concurrent = concurrent};
        shape.created_submitted = true;
        total.add_quiet(shape, concurrent && count == 3 ? 1 : 3);
      }
    }
    for (std::int64_t delay_s : {0, 3}) {
      Shape shape{.type = TransType::msg, .count = 2, .query = true, .concurrent = concurrent, .delay_s = delay_s};
      shape.created_submitted = true;
      total.add(shape, 1);
    }
  }
  Shape in_line{.type = TransType::msg, .count = 3};
  in_line.created_submitted = true;
  total.add(in_line, 2);
}

TEST_CASE("core/mode_walk: without run-ahead -> the invariants hold, and each row waits for the success before it") {
  Total total;
  for (TransType type : {TransType::tcc, TransType::xa}) {
    total.add_without_run_ahead({.type = type, .count = 2}, 2);
    total.add_without_run_ahead({.type = type, .count = 3, .empty_rows = 0b000100}, 2);
  }
  Shape message{.type = TransType::msg, .count = 3, .query = true};
  message.created_submitted = true;
  total.add_without_run_ahead(message, 2);
}

TEST_CASE("core/mode_walk: workflows of up to three results, called back or not -> the invariants hold") {
  Total total;
  for (bool query : {false, true}) {
    for (std::uint32_t count = 0; count <= 3; ++count) {
      total.add({.type = TransType::workflow, .count = count, .query = query}, 2);
    }
  }
}

}  // namespace
}  // namespace settle::core::mode_walk
