// A stored transaction for tests of answers, and looking into what they say.
#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "settle/transaction.hpp"

namespace settle::dtm {

namespace json = boost::json;

constexpr std::int64_t kCreated = 1'700'000'000'000;

// A saga of two steps that was just submitted.
inline StoredTransaction stored() {
  Definition definition;
  definition.gid = "g \"1\"";
  definition.create_time_ms = kCreated;
  append_saga_steps(definition, {{"http://a", "http://a-undo", R"({"n":1})"}, {"http://b", "", ""}});
  StoredTransaction transaction;
  transaction.id = 7;
  transaction.branches.resize(definition.branches.size());
  transaction.definition = std::make_shared<const Definition>(std::move(definition));
  transaction.state.status = GlobalStatus::submitted;
  transaction.state.retry_interval_ms = 10'000;
  return transaction;
}

// The names of an object's members, in order.
inline std::vector<std::string> names(const json::value& object) {
  std::vector<std::string> names;
  for (const auto& member : object.as_object()) names.emplace_back(member.key().data(), member.key().size());
  return names;
}

inline std::string text(const json::value& object, const char* name) {
  const json::string& text = object.at(name).as_string();
  return {text.data(), text.size()};
}

}  // namespace settle::dtm
