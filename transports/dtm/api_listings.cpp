// What operators ask: what there is, and to go on with it now.
#include <utility>
#include <vector>

#include "transports/dtm/answer.hpp"
#include "transports/dtm/endpoint.hpp"

namespace settle::dtm {
namespace {

constexpr std::int64_t kMadeDueLimit = 100;
constexpr std::int64_t kMadeDueLimitMax = 1'000'000;

// `all` with a gid: that one alone.
void list_one(HttpCall call, std::string_view gid) {
  call.engine.query(std::string(gid),
                    [respond = std::move(call.respond)](Result<std::optional<StoredTransaction>> result) mutable {
                      if (!result) return respond(error_answer(result.error()));
                      std::vector<StoredTransaction> found;
                      if (result.value()) found.push_back(std::move(*result.value()));
                      respond(list_answer(found, ""));
                    });
}

}  // namespace

void query(HttpCall call) {
  const std::string_view gid = call.query.get("gid");
  if (gid.empty()) return call.respond(error_answer({Code::invalid, "no gid specified"}));
  call.engine.query(std::string(gid),
                    [respond = std::move(call.respond)](Result<std::optional<StoredTransaction>> result) mutable {
                      respond(result ? transaction_answer(result.value()) : error_answer(result.error()));
                    });
}

void list(HttpCall call) {
  const std::string gid(call.query.get("gid"));
  if (!gid.empty()) return list_one(std::move(call), gid);
  const Result<std::int64_t> limit = call.query.number("limit", kListLimit, 1, kListLimitMax);
  const Result<std::int64_t> from_ms = call.query.number("createTimeStart", 0, INT64_MIN, INT64_MAX);
  const Result<std::int64_t> to_ms = call.query.number("createTimeEnd", INT64_MAX, INT64_MIN, INT64_MAX);
  for (const Result<std::int64_t>* number : {&limit, &from_ms, &to_ms}) {
    if (!*number) return call.respond(error_answer(number->error()));
  }
  const std::string_view status = call.query.get("status");
  const std::string_view type = call.query.get("transType");
  ScanFilter filter{parse_global_status(status), parse_trans_type(type), from_ms.value(), to_ms.value()};
  // Nothing can have a status or a type that does not exist.
  const bool impossible = (!status.empty() && !filter.status) || (!type.empty() && !filter.type);
  if (impossible) return call.respond(list_answer({}, ""));
  call.engine.list(filter, std::string(call.query.get("position")), static_cast<std::size_t>(limit.value()),
                   [respond = std::move(call.respond)](Result<ScanPage> result) mutable {
                     respond(result ? list_answer(result.value().transactions, result.value().next_position)
                                    : error_answer(result.error()));
                   });
}

void reset_cron_time(HttpCall call) {
  const Result<std::int64_t> timeout_s =
      call.query.number("timeout", 3 * call.options->timeout_to_fail_s, 0, kSecondsMax);
  const Result<std::int64_t> limit = call.query.number("limit", kMadeDueLimit, 1, kMadeDueLimitMax);
  for (const Result<std::int64_t>* number : {&timeout_s, &limit}) {
    if (!*number) return call.respond(error_answer(number->error()));
  }
  call.engine.make_all_due(timeout_s.value() * 1000, static_cast<std::size_t>(limit.value()),
                           [respond = std::move(call.respond)](Result<MadeDue> result) mutable {
                             respond(result ? made_due_answer(result.value()) : error_answer(result.error()));
                           });
}

void ping(HttpCall call) { call.respond(text_answer("msg", "pong")); }

void version(HttpCall call) { call.respond(text_answer("version", call.options->version)); }

void metrics(HttpCall call) {
  if (!call.options->metrics) return call.respond(not_found_answer());
  call.respond({200, "text/plain; version=0.0.4; charset=utf-8", call.options->metrics()});
}

void advance_test_clock(HttpCall call) {
  if (call.options->test_clock == nullptr) return call.respond(not_found_answer());
  const Document document(call.body, "the body");
  const Result<std::int64_t> advance_ms =
      document.error() ? Result<std::int64_t>(*document.error()) : parse_advance_ms(document.value());
  if (!advance_ms) return call.respond(error_answer(advance_ms.error()));
  call.options->test_clock->advance_ms(advance_ms.value());
  call.engine.clock_advanced([respond = std::move(call.respond)]() mutable { respond(success_answer()); });
}

}  // namespace settle::dtm
