// Topics, and the key-values that hold them.
#include <algorithm>
#include <utility>

#include "transports/dtm/answer.hpp"
#include "transports/dtm/endpoint.hpp"

namespace settle::dtm {
namespace {

// `queryKV` without a key: all of a category, or the newest of them, the oldest first.
void list_category(HttpCall call, std::string category) {
  call.engine.list_key_values(std::move(category), "", static_cast<std::size_t>(kListLimitMax),
                              [respond = std::move(call.respond)](Result<KeyValuePage> result) mutable {
                                if (!result) return respond(error_answer(result.error()));
                                std::reverse(result.value().values.begin(), result.value().values.end());
                                respond(key_values_answer(result.value().values, std::nullopt));
                              });
}

}  // namespace

void subscribe(HttpCall call) {
  call.engine.subscribe(std::string(call.query.get("topic")), std::string(call.query.get("url")),
                        std::string(call.query.get("remark")), answer_done(std::move(call.respond)));
}

void unsubscribe(HttpCall call) {
  call.engine.unsubscribe(std::string(call.query.get("topic")), std::string(call.query.get("url")),
                          answer_done(std::move(call.respond)));
}

void delete_topic(HttpCall call) {
  call.engine.delete_topic(std::move(call.parameter), answer_done(std::move(call.respond)));
}

void query_key_value(HttpCall call) {
  std::string category(call.query.get("cat"));
  std::string key(call.query.get("key"));
  if (key.empty()) return list_category(std::move(call), std::move(category));
  call.engine.query_key_value(std::move(category), std::move(key),
                              [respond = std::move(call.respond)](Result<std::optional<KeyValue>> result) mutable {
                                if (!result) return respond(error_answer(result.error()));
                                std::vector<KeyValue> found;
                                if (result.value()) found.push_back(std::move(*result.value()));
                                respond(key_values_answer(found, std::nullopt));
                              });
}

void list_key_values(HttpCall call) {
  const Result<std::int64_t> limit = call.query.number("limit", kListLimit, 1, kListLimitMax);
  if (!limit) return call.respond(error_answer(limit.error()));
  call.engine.list_key_values(std::string(call.query.get("cat")), std::string(call.query.get("position")),
                              static_cast<std::size_t>(limit.value()),
                              [respond = std::move(call.respond)](Result<KeyValuePage> result) mutable {
                                respond(result ? key_values_answer(result.value().values, result.value().next_position)
                                               : error_answer(result.error()));
                              });
}

}  // namespace settle::dtm
