#include "sim/participants.hpp"

#include <doctest/doctest.h>

using namespace settle;
using namespace settle::sim;

TEST_CASE("participants/barrier: a repeat changes nothing, an undo brings it back") {
  Participants services;
  CHECK(services.execute(1, 0, Op::action, Mood::fine).effect == Effect::ran);
  CHECK(services.execute(1, 0, Op::action, Mood::fine).effect == Effect::repeated);
  CHECK(services.value(1, 0) == 1);
  CHECK(services.execute(1, 0, Op::compensate, Mood::fine).effect == Effect::ran);
  CHECK(services.execute(1, 0, Op::compensate, Mood::fine).effect == Effect::repeated);
  CHECK(services.value(1, 0) == 0);
}

TEST_CASE("participants/barrier: an undo of what had not come is empty, and what comes behind it is ignored") {
  Participants services;
  CHECK(services.execute(1, 0, Op::cancel, Mood::fine).effect == Effect::empty);
  const Executed late = services.execute(1, 0, Op::attempt, Mood::fine);
  CHECK(late.effect == Effect::ignored);
  CHECK(late.result == CallResult::success);
  CHECK(services.value(1, 0) == 0);
}

TEST_CASE("participants/moods: whole or not at all") {
  Participants services;
  CHECK(services.execute(1, 0, Op::action, Mood::fails_before).result == CallResult::unknown);
  CHECK(services.execute(1, 0, Op::action, Mood::refuses).result == CallResult::failure);
  CHECK(services.execute(1, 0, Op::action, Mood::postpones).result == CallResult::ongoing);
  CHECK(services.value(1, 0) == 0);
  CHECK(services.execute(1, 0, Op::action, Mood::fails_after).result == CallResult::unknown);
  CHECK(services.value(1, 0) == 1);
  // What has been done cannot be refused any more.
  CHECK(services.execute(1, 0, Op::action, Mood::refuses).result == CallResult::success);
}

TEST_CASE("participants/two phases: a confirm without a try shows") {
  Participants services;
  services.execute(1, 0, Op::confirm, Mood::fine);
  CHECK(services.value(1, 0) == 1);
  services.execute(1, 1, Op::attempt, Mood::fine);
  services.execute(1, 1, Op::confirm, Mood::fine);
  CHECK(services.value(1, 1) == 2);
}

TEST_CASE("participants/sender: who asks first decides") {
  Participants services;
  CHECK_FALSE(services.query_prepared(1));
  CHECK_FALSE(services.commit_local(1));
  CHECK(services.commit_local(2));
  CHECK(services.query_prepared(2));
}
