#include "settle/dtm/api.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "transports/dtm/answer.hpp"
#include "transports/dtm/query_string.hpp"
#include "transports/dtm/request.hpp"

namespace settle::dtm {
namespace {

constexpr std::int64_t kListLimit = 100;
constexpr std::int64_t kListLimitMax = 10'000;
constexpr std::int64_t kMadeDueLimit = 100;
constexpr std::int64_t kMadeDueLimitMax = 1'000'000;

// One request on its way to its endpoint.
struct Call {
  Engine& engine;
  const ApiOptions& options;
  std::string body;
  QueryString query;
  http::Respond respond;

  void refuse(const Error& error) { respond(error_answer(error)); }
};

// A completion that answers with SUCCESS or the refusal.
Completion<Done> answer_done(Call& call) {
  return [respond = std::move(call.respond)](Result<Done> result) mutable {
    respond(result ? success_answer() : error_answer(result.error()));
  };
}

void ping(Call& call) { call.respond(text_answer("msg", "pong")); }

void version(Call& call) { call.respond(text_answer("version", call.options.version)); }

void new_gid(Call& call) { call.respond(gid_answer(call.engine.new_gid())); }

void prepare(Call& call) {
  Result<Definition> definition = parse_transaction(call.body);
  if (!definition) return call.refuse(definition.error());
  call.engine.prepare(std::move(definition).value(), answer_done(call));
}

void submit(Call& call) {
  Result<Definition> definition = parse_transaction(call.body);
  if (!definition) return call.refuse(definition.error());
  call.engine.submit(std::move(definition).value(), answer_done(call));
}

void abort(Call& call) {
  Result<Reference> parsed = parse_reference(call.body);
  if (!parsed) return call.refuse(parsed.error());
  Reference& reference = parsed.value();
  call.engine.abort(std::move(reference.gid), reference.type, std::move(reference.rollback_reason), answer_done(call));
}

void force_stop(Call& call) {
  Result<Reference> reference = parse_reference(call.body);
  if (!reference) return call.refuse(reference.error());
  call.engine.force_stop(std::move(reference.value().gid), answer_done(call));
}

void reset_next_cron_time(Call& call) {
  Result<Reference> reference = parse_reference(call.body);
  if (!reference) return call.refuse(reference.error());
  call.engine.make_due(std::move(reference.value().gid), answer_done(call));
}

void reset_cron_time(Call& call) {
  const Result<std::int64_t> timeout_s =
      call.query.number("timeout", 3 * call.options.timeout_to_fail_s, 0, kSecondsMax);
  if (!timeout_s) return call.refuse(timeout_s.error());
  const Result<std::int64_t> limit = call.query.number("limit", kMadeDueLimit, 1, kMadeDueLimitMax);
  if (!limit) return call.refuse(limit.error());
  call.engine.make_all_due(timeout_s.value() * 1000, static_cast<std::size_t>(limit.value()),
                           [respond = std::move(call.respond)](Result<MadeDue> result) mutable {
                             respond(result ? made_due_answer(result.value()) : error_answer(result.error()));
                           });
}

void query(Call& call) {
  const std::string_view gid = call.query.get("gid");
  if (gid.empty()) return call.refuse({Code::invalid, "no gid specified"});
  call.engine.query(std::string(gid),
                    [respond = std::move(call.respond)](Result<std::optional<StoredTransaction>> result) mutable {
                      respond(result ? transaction_answer(result.value()) : error_answer(result.error()));
                    });
}

// `all` with a gid: that one alone.
void list_one(Call& call, std::string_view gid) {
  call.engine.query(std::string(gid),
                    [respond = std::move(call.respond)](Result<std::optional<StoredTransaction>> result) mutable {
                      if (!result) return respond(error_answer(result.error()));
                      std::vector<StoredTransaction> found;
                      if (result.value()) found.push_back(std::move(*result.value()));
                      respond(list_answer(found, ""));
                    });
}

void list(Call& call) {
  const std::string_view gid = call.query.get("gid");
  if (!gid.empty()) return list_one(call, gid);
  const Result<std::int64_t> limit = call.query.number("limit", kListLimit, 1, kListLimitMax);
  if (!limit) return call.refuse(limit.error());
  const Result<std::int64_t> from_ms = call.query.number("createTimeStart", 0, INT64_MIN, INT64_MAX);
  if (!from_ms) return call.refuse(from_ms.error());
  const Result<std::int64_t> to_ms = call.query.number("createTimeEnd", INT64_MAX, INT64_MIN, INT64_MAX);
  if (!to_ms) return call.refuse(to_ms.error());
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

void advance_test_clock(Call& call) {
  if (call.options.test_clock == nullptr) return call.respond(not_found_answer());
  const Result<std::int64_t> advance_ms = parse_advance_ms(call.body);
  if (!advance_ms) return call.refuse(advance_ms.error());
  call.options.test_clock->advance_ms(advance_ms.value());
  call.engine.clock_advanced([respond = std::move(call.respond)]() mutable { respond(success_answer()); });
}

struct Endpoint {
  std::string_view method;  // empty: any
  std::string_view path;
  void (*handle)(Call& call);
};

// Everything there is. Those that are called most stand first.
constexpr std::array kEndpoints{
    Endpoint{"POST", "/api/dtmsvr/submit", submit},
    Endpoint{"GET", "/api/dtmsvr/newGid", new_gid},
    Endpoint{"POST", "/api/dtmsvr/prepare", prepare},
    Endpoint{"GET", "/api/dtmsvr/query", query},
    Endpoint{"POST", "/api/dtmsvr/abort", abort},
    Endpoint{"POST", "/api/dtmsvr/forceStop", force_stop},
    Endpoint{"GET", "/api/dtmsvr/all", list},
    Endpoint{"POST", "/api/dtmsvr/resetNextCronTime", reset_next_cron_time},
    Endpoint{"GET", "/api/dtmsvr/resetCronTime", reset_cron_time},
    Endpoint{"GET", "/api/dtmsvr/version", version},
    Endpoint{"", "/api/ping", ping},
    Endpoint{"POST", "/api/test/clock", advance_test_clock},
};

}  // namespace

void Api::handle(http::Request request, http::Respond respond) const {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  const auto* const endpoint = std::find_if(kEndpoints.begin(), kEndpoints.end(), [&](const Endpoint& candidate) {
    return candidate.path == path && (candidate.method.empty() || candidate.method == request.method);
  });
  if (endpoint == kEndpoints.end()) return respond(not_found_answer());
  Result<QueryString> query = QueryString::parse(target.substr(std::min(target.size(), path.size() + 1)));
  if (!query) return respond(error_answer(query.error()));
  Call call{engine_, options_, std::move(request.body), std::move(query).value(), std::move(respond)};
  endpoint->handle(call);
}

}  // namespace settle::dtm
