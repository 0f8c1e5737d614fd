#include "storage/rocksdb/disk_store_view.hpp"

#include <algorithm>
#include <utility>

#include "storage/common/rows.hpp"
#include "storage/rocksdb/keys.hpp"

namespace settle {
namespace {

Error damaged_store(std::string_view key, const std::string& what) {
  return {Code::internal, "damaged store: the " + describe_key(key) + what};
}

// Walks over the keys from `low` on that are smaller than `high`. Both must outlive it.
class RangeWalk {
 public:
  RangeWalk(::rocksdb::DB& database, ::rocksdb::ReadOptions options, const std::string& low, const std::string& high)
      : upper_(high) {
    options.total_order_seek = true;
    options.iterate_upper_bound = &upper_;
    at_.reset(database.NewIterator(options));
    at_->Seek(low);
  }
  ::rocksdb::Iterator* operator->() const { return at_.get(); }

 private:
  ::rocksdb::Slice upper_;
  std::unique_ptr<::rocksdb::Iterator> at_;
};

}  // namespace

Error missing_value(std::string_view key, std::string_view gid) {
  return damaged_store(key, " (gid " + std::string(gid) + ") is missing");
}

Result<std::optional<std::string_view>> DiskStore::View::get(std::string_view key) {
  value_.Reset();
  ::rocksdb::DB& database = *store_.database_;
  const auto status = database.Get(options_, database.DefaultColumnFamily(), slice(key), &value_);
  if (status.IsNotFound()) return std::optional<std::string_view>();
  if (!status.ok()) return store_.failure(status);
  return std::optional(settle::view(value_));
}

Result<std::optional<GidRecord>> DiskStore::View::gid_record(std::string_view gid) {
  const std::string key = gid_key(gid);
  const auto value = get(key);
  if (!value) return value.error();
  if (!value.value()) return std::optional<GidRecord>();
  auto record = decode_gid_record(key, *value.value());
  if (!record) return record.error();
  return std::optional(std::move(record.value()));
}

Result<std::optional<StateRecord>> DiskStore::View::state(const std::string& key) {
  const auto value = get(key);
  if (!value) return value.error();
  if (!value.value()) return std::optional<StateRecord>();
  auto record = decode_state(key, *value.value());
  if (!record) return record.error();
  return std::optional(std::move(record.value()));
}

Result<std::optional<KeyValue>> DiskStore::View::key_value(std::string_view category, std::string_view key) {
  const std::string name = key_value_name_key(category, key);
  const auto named = get(name);
  if (!named) return named.error();
  if (!named.value()) return std::optional<KeyValue>();
  const auto id = decode_number(name, *named.value());
  if (!id) return id.error();
  const std::string record_key = key_value_key(id.value());
  const auto value = get(record_key);
  if (!value) return value.error();
  if (!value.value()) return damaged_store(name, " leads to a record that is missing");
  auto record = decode_key_value(record_key, *value.value());
  if (!record) return record.error();
  if (record.value().category != category || record.value().key != key) {
    return damaged_store(name, " leads to the record of another one");
  }
  return std::optional(std::move(record.value()));
}

Result<std::shared_ptr<const Definition>> DiskStore::View::definition(std::int64_t id, const StateRecord& state) {
  auto record = gid_record(state.gid);
  if (!record) return record.error();
  const std::string key = gid_key(state.gid);
  if (!record.value() || !record.value()->definition) return missing_value(key, state.gid);
  Definition& definition = *record.value()->definition;
  if (record.value()->id != id || definition.branches.size() != state.branch_count) {
    return damaged_store(key, " is not that of transaction " + std::to_string(id));
  }
  return std::make_shared<const Definition>(std::move(definition));
}

Result<StoredTransaction> DiskStore::View::whole(std::int64_t id, StateRecord state,
                                                 std::shared_ptr<const Definition> definition) {
  StoredTransaction transaction;
  transaction.id = id;
  transaction.definition = std::move(definition);
  if (state.registration_count > 0) {
    auto read = registrations(id, state);
    if (!read) return read.error();
    transaction.registrations = std::move(read.value());
  }
  transaction.state = std::move(state.state);
  transaction.branches = std::move(state.first_run);
  transaction.branches.resize(row_count(state.type, state.branch_count, state.registration_count));
  if (transaction.branches.size() > kBranchRunLength) {
    if (auto read = later_runs(id, transaction.branches); !read) return read.error();
  }
  return transaction;
}

Result<std::vector<Registration>> DiskStore::View::registrations(std::int64_t id, const StateRecord& state) {
  std::vector<Registration> found;
  const std::string low = registration_key(id, 0);
  const std::string high = registration_key(id + 1, 0);
  const RangeWalk at(*store_.database_, options_, low, high);
  for (; at->Valid(); at->Next()) {
    const std::string_view key = settle::view(at->key());
    const std::string expected = registration_key(id, static_cast<std::uint32_t>(found.size()));
    if (found.size() == state.registration_count) {
      return damaged_store(key, ": the transaction has only " + std::to_string(found.size()) + " registrations");
    }
    if (key != expected) return missing_value(expected, state.gid);
    auto registration = decode_registration(key, settle::view(at->value()));
    if (!registration) return registration.error();
    found.push_back(std::move(registration.value()));
  }
  if (!at->status().ok()) return store_.failure(at->status());
  if (found.size() == state.registration_count) return found;
  return missing_value(registration_key(id, static_cast<std::uint32_t>(found.size())), state.gid);
}

Result<Done> DiskStore::View::later_runs(std::int64_t id, std::vector<BranchState>& branches) {
  const std::string low = run_key(id, 0);
  const std::string high = run_key(id + 1, 0);
  const RangeWalk at(*store_.database_, options_, low, high);
  for (; at->Valid(); at->Next()) {
    const std::string_view key = settle::view(at->key());
    const auto parts = parse_part_key(KeyKind::run, key);
    const auto run = decode_run(key, settle::view(at->value()));
    if (!run) return run.error();
    const std::size_t first = parts ? parts->number : branches.size();
    if (first + run.value().size() > branches.size()) {
      return damaged_store(key, ": more rows than the transaction has");
    }
    std::copy(run.value().begin(), run.value().end(), branches.begin() + static_cast<std::ptrdiff_t>(first));
  }
  if (!at->status().ok()) return store_.failure(at->status());
  return Done{};
}

}  // namespace settle
