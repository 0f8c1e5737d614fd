#include "fuzz/checked_engine.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "fuzz/fuzzer.hpp"
#include "storage/mysql/test_rows.hpp"
#include "storage/rocksdb/codec.hpp"
#include "storage/rocksdb/keys.hpp"
#include "transports/http/branch_request.hpp"

namespace settle::fuzz {
namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;

void check_rocksdb(const Definition& definition) {
  const std::string key = gid_key(definition.gid);
  const auto read = decode_gid_record(key, encode_definition(key, 7, definition));
  check(read && read.value().definition, "an accepted definition can be read from RocksDB");
  check(*read.value().definition == definition, "an accepted definition comes back from RocksDB as it was");
}

void check_mysql(const StoredTransaction& transaction) {
  const mysql::WallTime times(0);
  auto [head, branches] = mysql::written_rows(times, transaction);
  std::vector<std::size_t> rows(branches.count());
  for (std::size_t row = 0; row < rows.size(); ++row) rows[row] = row;
  const auto read = mysql::read_whole(times, head, 0, branches, rows);
  check(static_cast<bool>(read), "an accepted transaction can be read from MySQL", read ? "" : read.error().message);
  check(read.value().branches.size() == transaction.branches.size(), "no row is lost in MySQL");
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const BranchView was = transaction.branch(row);
    const BranchView is = read.value().branch(row);
    check(was.branch_id == is.branch_id && was.operation == is.operation && was.payload == is.payload,
          "a row comes back from MySQL as it was");
    const bool has_url = transaction.definition->type != TransType::workflow;
    check(!has_url || was.url == is.url, "a row's url comes back from MySQL as it was");
  }
  const Definition& was = *transaction.definition;
  const Definition& is = *read.value().definition;
  check(was.gid == is.gid && was.type == is.type && was.protocol == is.protocol && was.options == is.options &&
            was.custom_data == is.custom_data && was.query_prepared == is.query_prepared &&
            was.concurrent == is.concurrent && was.orders == is.orders && was.delay_s == is.delay_s &&
            was.callback_name == is.callback_name && was.callback_payload == is.callback_payload,
        "an accepted definition comes back from MySQL as it was");
}

void check_http_headers(const Definition& definition) {
  BranchCall call{.gid = definition.gid, .branch_id = "01", .url = "http://host/branch", .payload = "{}"};
  call.headers = std::make_shared<const std::map<std::string, std::string>>(definition.options.branch_headers);
  const auto head = http::request_head(http::first_request(call, http::parse_url(call.url).value()), 0);
  check(static_cast<bool>(head), "headers that were accepted can be sent", head ? "" : head.error().message);
}

template <class T>
void refuse(Completion<T>& completion, Error error) {
  check(error.code == Code::invalid, "what is wrong with a request alone is the client's fault");
  completion(std::move(error));
}

}  // namespace

void check_accepted(Definition definition) {
  definition.create_time_ms = kNowMs;
  if (definition.protocol == Protocol::unspecified) definition.protocol = Protocol::http;
  check_rocksdb(definition);
  check_http_headers(definition);
  StoredTransaction transaction;
  transaction.branches.resize(definition.branches.size());
  transaction.definition = std::make_shared<const Definition>(std::move(definition));
  check_mysql(transaction);
}

void check_accepted(TransType type, const Registration& registration) {
  const std::string key = registration_key(7, 0);
  const auto read = decode_registration(key, encode_registration(key, registration));
  check(read && read.value() == registration, "an accepted branch comes back from RocksDB as it was");
  Definition definition{.gid = "gid", .type = type, .protocol = Protocol::http, .create_time_ms = kNowMs};
  StoredTransaction transaction;
  transaction.definition = std::make_shared<const Definition>(std::move(definition));
  transaction.registrations.push_back(registration);
  transaction.branches.resize(rows_per_registration(type));
  check_mysql(transaction);
}

void CheckedEngine::submit(Definition given, Completion<Done> completion) {
  if (auto ok = validate(given); !ok) return refuse(completion, std::move(ok.error()));
  check_accepted(given);
  ++changes;
  FakeEngine::submit(std::move(given), std::move(completion));
}

void CheckedEngine::prepare(Definition given, Completion<Done> completion) {
  if (auto ok = validate(given); !ok) return refuse(completion, std::move(ok.error()));
  check_accepted(given);
  ++changes;
  FakeEngine::prepare(std::move(given), std::move(completion));
}

void CheckedEngine::prepare_workflow(Definition given, Completion<StoredTransaction> completion) {
  if (auto ok = validate(given); !ok) return refuse(completion, std::move(ok.error()));
  check_accepted(given);
  ++changes;
  FakeEngine::prepare_workflow(std::move(given), std::move(completion));
}

void CheckedEngine::register_branch(std::string gid, TransType type, Registration given, BranchStatus status,
                                    Completion<Done> completion) {
  if (auto ok = validate(type, given); !ok) return refuse(completion, std::move(ok.error()));
  check_accepted(type, given);
  ++changes;
  FakeEngine::register_branch(std::move(gid), type, std::move(given), status, std::move(completion));
}

void CheckedEngine::finish_workflow(std::string gid, GlobalStatus status, std::string rollback_reason,
                                    std::string result, Completion<Done> completion) {
  check(is_final(status), "a workflow is finished with a final status");
  ++changes;
  FakeEngine::finish_workflow(std::move(gid), status, std::move(rollback_reason), std::move(result),
                              std::move(completion));
}

void CheckedEngine::abort(std::string gid, std::optional<TransType> type, std::string reason,
                          Completion<Done> completion) {
  ++changes;
  FakeEngine::abort(std::move(gid), type, std::move(reason), std::move(completion));
}

void CheckedEngine::force_stop(std::string gid, Completion<Done> completion) {
  ++changes;
  FakeEngine::force_stop(std::move(gid), std::move(completion));
}

void CheckedEngine::make_due(std::string gid, Completion<Done> completion) {
  ++changes;
  FakeEngine::make_due(std::move(gid), std::move(completion));
}

void CheckedEngine::make_all_due(std::int64_t later_than_ms, std::size_t limit, Completion<MadeDue> completion) {
  check(later_than_ms >= 0 && limit > 0, "what is made due is bounded");
  ++changes;
  FakeEngine::make_all_due(later_than_ms, limit, std::move(completion));
}

void CheckedEngine::subscribe(std::string topic, std::string url, std::string remark, Completion<Done> completion) {
  ++changes;
  FakeEngine::subscribe(std::move(topic), std::move(url), std::move(remark), std::move(completion));
}

void CheckedEngine::unsubscribe(std::string topic, std::string url, Completion<Done> completion) {
  ++changes;
  FakeEngine::unsubscribe(std::move(topic), std::move(url), std::move(completion));
}

void CheckedEngine::delete_topic(std::string topic, Completion<Done> completion) {
  ++changes;
  FakeEngine::delete_topic(std::move(topic), std::move(completion));
}

}  // namespace settle::fuzz
