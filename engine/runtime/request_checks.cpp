#include "engine/runtime/request_checks.hpp"

#include <algorithm>
#include <utility>

#include "engine/core/utf8.hpp"
#include "engine/runtime/call_gate.hpp"

namespace settle::runtime {
namespace {

constexpr std::size_t kTopicBytesMax = 128;
constexpr std::size_t kTopicUrlBytesMax = 2'048;
constexpr std::size_t kResultBytesMax = 1 << 20;

Error unknown_scheme(const std::string& field, const std::string& url) {
  return {Code::invalid, field + ": the scheme of this url is not known: " + url};
}

Result<Done> check_text(const char* field, const std::string& text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    return Error{Code::invalid, std::string(field) + ": has more than " + std::to_string(bytes_max) + " bytes"};
  }
  if (!core::count_characters(text)) return Error{Code::invalid, std::string(field) + ": is not valid UTF-8"};
  return Done{};
}

}  // namespace

Result<Done> RequestChecks::definition(const Definition& definition, GlobalStatus status) const {
  if (definition.type == TransType::workflow && status != GlobalStatus::prepared) {
    return Error{Code::invalid, "trans_type: a workflow is submitted with its result"};
  }
  if (Result<Done> ok = validate(definition); !ok) return ok;
  const std::size_t rows_per_step = definition.type == TransType::saga ? 2 : 1;
  for (std::size_t row = 0; row < definition.branches.size(); ++row) {
    const BranchDefinition& branch = definition.branches[row];
    if (is_callable(branch.url)) continue;
    if (definition.type == TransType::msg && branch.url.starts_with(kTopicScheme)) continue;
    return unknown_scheme(
        "steps[" + std::to_string(row / rows_per_step) + "]." + std::string(to_string(branch.operation)), branch.url);
  }
  if (!is_callable(definition.query_prepared)) return unknown_scheme("query_prepared", definition.query_prepared);
  return Done{};
}

// Whether there is a caller for this url; an empty one needs none.
bool RequestChecks::is_callable(const std::string& url) const {
  if (url.empty()) return true;
  const std::string_view scheme = url_scheme(url);
  const auto is_its = [scheme](const std::string& known) { return is_scheme(scheme, known); };
  return std::any_of(ports_.callers.begin(), ports_.callers.end(), [&](const CallerPort& port) {
    return port.schemes.empty() || std::any_of(port.schemes.begin(), port.schemes.end(), is_its);
  });
}

Result<Done> RequestChecks::workflow(const Definition& definition) const {
  if (definition.type != TransType::workflow) return Error{Code::invalid, "trans_type: must be 'workflow'"};
  return validate(definition);
}

Result<Done> RequestChecks::registration(TransType type, const Registration& registration, BranchStatus status) const {
  if (Result<Done> ok = validate(type, registration); !ok) return ok;
  if (type != TransType::workflow && status != BranchStatus::prepared) {
    return Error{Code::invalid, "status: of a branch that is still to be called must be prepared"};
  }
  const std::pair<const char*, const std::string*> urls[] = {
      {type == TransType::tcc ? "confirm" : "url", &registration.url}, {"cancel", &registration.cancel_url}};
  for (const auto& [field, url] : urls) {
    if (!is_callable(*url)) return unknown_scheme(field, *url);
  }
  return ports_.store.check(registration);
}

Result<Done> RequestChecks::workflow_result(GlobalStatus status, const std::string& result) const {
  if (!is_final(status)) {
    return Error{Code::conflict, "status: must be succeed or failed, is '" + std::string(to_string(status)) + "'"};
  }
  if (result.size() > kResultBytesMax) {
    return Error{Code::invalid, "result: has more than " + std::to_string(kResultBytesMax) + " bytes"};
  }
  return ports_.store.check_result(result);
}

Result<Done> RequestChecks::topic(const std::string& topic) const {
  if (topic.empty()) return Error{Code::invalid, "empty topic"};
  return check_text("topic", topic, kTopicBytesMax);
}

Result<Done> RequestChecks::subscriber(const std::string& topic, const Subscriber& subscriber) const {
  if (Result<Done> ok = this->topic(topic); !ok) return ok;
  if (subscriber.url.empty()) return Error{Code::invalid, "empty url"};
  if (Result<Done> ok = check_text("url", subscriber.url, kTopicUrlBytesMax); !ok) return ok;
  if (Result<Done> ok = check_text("remark", subscriber.remark, kTopicUrlBytesMax); !ok) return ok;
  return is_callable(subscriber.url) ? Result<Done>(Done{}) : unknown_scheme("url", subscriber.url);
}

}  // namespace settle::runtime
