#include "storage/rocksdb/disk_store.hpp"

#include <rocksdb/perf_level.h>

#include <algorithm>
#include <utility>

#include "storage/common/rows.hpp"
#include "storage/rocksdb/keys.hpp"

namespace settle {
namespace {

// A batch that grew beyond this for once gives its memory back.
constexpr std::size_t kBatchBytesKept = 4 << 20;

// The first run of a change, where it has one.
const BranchRun* first_run_of(const Change& change) {
  const auto found =
      std::find_if(change.runs.begin(), change.runs.end(), [](const BranchRun& run) { return run.first == 0; });
  return found == change.runs.end() ? nullptr : &*found;
}

KnownTransaction known_of(std::int64_t id, const StateRecord& record) {
  return {id,          record.create_time_ms, record.branch_count,      record.registration_count,
          record.type, record.state.status,   !record.first_run.empty()};
}

}  // namespace

Result<std::unique_ptr<RocksdbStore>> open_rocksdb_store(const RocksdbOptions& options) {
  return DiskStore::open(options);
}

Result<Done> reset_rocksdb_store(const RocksdbOptions& options) {
  const DatabaseEnvironment environment(options);
  auto folder = Folder::claim(environment.file_system_shared, options.path, Folder::Missing::refuse);
  if (!folder) return folder.error();
  // Noted first: half of a database must not be taken for a whole one if this is cut short.
  if (auto noted = folder.value()->set_being_emptied(true); !noted) return noted;
  if (auto destroyed = destroy_database(options, environment); !destroyed) return destroyed;
  return folder.value()->set_being_emptied(false);
}

Result<std::unique_ptr<RocksdbStore>> DiskStore::open(const RocksdbOptions& options) {
  std::unique_ptr<DiskStore> store(new DiskStore(options));
  const DatabaseEnvironment& environment = store->environment_;
  auto folder = Folder::claim(environment.file_system_shared, options.path, Folder::Missing::create);
  if (!folder) return folder.error();
  store->folder_ = std::move(folder.value());
  if (store->folder_->being_emptied()) {
    if (const auto destroyed = destroy_database(options, environment); !destroyed) return destroyed.error();
    if (const auto noted = store->folder_->set_being_emptied(false); !noted) return noted.error();
  }
  auto database = open_database(options, environment, OpenMode::read_write);
  if (!database) return database.error();
  store->database_ = std::move(database.value());
  if (const auto read = store->read_index(); !read) return read.error();
  return std::unique_ptr<RocksdbStore>(std::move(store));
}

Result<Done> DiskStore::read_index() {
  const auto writing = unfinished_.begin_writing();
  unfinished_.clear(writing);
  std::int64_t next_id = next_id_;

  const KindRange unfinished(KeyKind::unfinished);
  const std::unique_ptr<::rocksdb::Iterator> at(database_->NewIterator(unfinished.read_options()));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    const auto id = id_of(KeyKind::unfinished, view(at->key()));
    if (!id) continue;
    next_id = std::max(next_id, *id + 1);
    // A damaged one is left out, so that nothing changes it; visit_unfinished() and load() tell of it.
    const auto record = decode_state(view(at->key()), view(at->value()));
    if (record) unfinished_.put(writing, record.value().gid, known_of(*id, record.value()));
  }
  if (!at->status().ok()) return failure(at->status());

  const KindRange finished(KeyKind::finished);
  const std::unique_ptr<::rocksdb::Iterator> last(database_->NewIterator(finished.read_options()));
  last->SeekToLast();
  if (last->Valid()) {
    if (const auto id = id_of(KeyKind::finished, view(last->key()))) next_id = std::max(next_id, *id + 1);
  }
  if (!last->status().ok()) return failure(last->status());

  if (auto read = read_next_id(next_id_key(), next_id); !read) return read;
  if (auto read = read_next_id(next_key_value_id_key(), next_key_value_id_); !read) return read;
  next_id_ = next_id;
  purge_start_ = 0;
  return Done{};
}

Result<Done> DiskStore::read_next_id(const std::string& key, std::int64_t& next_id) const {
  ::rocksdb::PinnableSlice value;
  const auto status = get(key, value);
  if (status.IsNotFound()) return Done{};
  if (!status.ok()) return failure(status);
  const auto number = decode_number(key, view(value));
  if (!number) return number.error();
  next_id = std::max(next_id, number.value());
  return Done{};
}

void DiskStore::apply(std::span<const Change> group, std::span<ChangeOutcome> outcomes) {
  std::fill(outcomes.begin(), outcomes.end(), ChangeOutcome{ChangeResult::failed, 0});
  if (broken_) return;
  // RocksDB's counters of this thread, which nobody reads, are a seventh of the cost of a write.
  ::rocksdb::SetPerfLevel(::rocksdb::PerfLevel::kDisable);
  if (batch_.GetDataSize() > kBatchBytesKept) batch_ = ::rocksdb::WriteBatch();
  batch_.Clear();
  planned_.clear();
  for (std::size_t place = 0; place < group.size(); ++place) {
    if (!plan(place, group[place], outcomes[place])) {
      broken_ = true;
      return;
    }
  }
  if (planned_.empty()) return;
  if (!write(batch_).ok()) {
    broken_ = true;
    return;
  }
  note_applied(group, outcomes);
}

bool DiskStore::plan(std::size_t place, const Change& change, ChangeOutcome& outcome) {
  return change.create ? plan_create(place, change, outcome) : plan_change(place, change, outcome);
}

bool DiskStore::plan_create(std::size_t place, const Change& change, ChangeOutcome& outcome) {
  const Definition& definition = *change.definition;
  const std::string gid = gid_key(change.gid);
  if (unfinished_.find(change.gid) != nullptr) {
    outcome.result = ChangeResult::exists;
    return true;
  }
  ::rocksdb::PinnableSlice value;
  const auto status = get(gid, value);
  if (status.ok()) {
    outcome.result = ChangeResult::exists;
    return true;
  }
  if (!status.IsNotFound()) return false;
  if (!registrations_fit(change, definition.type, definition.branches.size(), 0)) {
    outcome.result = ChangeResult::conflict;
    return true;
  }

  KnownTransaction known;
  known.id = next_id_++;
  known.create_time_ms = definition.create_time_ms;
  known.branch_count = static_cast<std::uint32_t>(definition.branches.size());
  known.registration_count = static_cast<std::uint32_t>(change.registrations.size());
  known.type = definition.type;
  known.status = change.state.status;

  put_definition(gid, known.id, definition);
  const BranchRun* first_run = first_run_of(change);
  known.first_run_stored = first_run != nullptr;
  put_state(is_final(known.status) ? finished_key(known.id) : unfinished_key(known.id), change, known,
            first_run != nullptr ? first_run->branches : std::vector<BranchState>());
  put_parts(known.id, change);
  planned_.push_back({place, known});
  return true;
}

bool DiskStore::plan_change(std::size_t place, const Change& change, ChangeOutcome& outcome) {
  outcome.result = ChangeResult::conflict;
  auto found = find_current(change.gid);
  if (!found) {
    outcome.result = ChangeResult::failed;
    return false;
  }
  if (!found.value() || found.value()->known.status != change.expected_status) return true;
  Current& current = *found.value();
  KnownTransaction known = current.known;
  if (change.definition) {
    known.create_time_ms = change.definition->create_time_ms;
    known.branch_count = static_cast<std::uint32_t>(change.definition->branches.size());
    known.type = change.definition->type;
  }
  if (!registrations_fit(change, known.type, known.branch_count, known.registration_count)) return true;
  known.registration_count += static_cast<std::uint32_t>(change.registrations.size());
  known.status = change.state.status;

  std::vector<BranchState> first_run;
  if (const BranchRun* changed = first_run_of(change); changed != nullptr) {
    first_run = changed->branches;
  } else if (known.first_run_stored) {
    ::rocksdb::PinnableSlice value;
    const auto status = get(current.key, value);
    if (!status.ok() && !status.IsNotFound()) {
      outcome.result = ChangeResult::failed;
      return false;
    }
    auto stored = decode_state(current.key, status.ok() ? view(value) : std::string_view());
    if (!stored) return true;  // damaged since it was opened: refused; who loads it next is told
    first_run = std::move(stored.value().first_run);
  }

  known.first_run_stored = !first_run.empty();
  if (change.definition) put_definition(gid_key(change.gid), known.id, *change.definition);
  const std::string key = is_final(known.status) ? finished_key(known.id) : unfinished_key(known.id);
  if (key != current.key) batch_.Delete(current.key);
  put_state(key, change, known, std::move(first_run));
  put_parts(known.id, change);
  planned_.push_back({place, known});
  outcome.result = ChangeResult::failed;
  return true;
}

Result<std::optional<DiskStore::Current>> DiskStore::find_current(const std::string& gid) {
  if (const KnownTransaction* known = unfinished_.find(gid); known != nullptr) {
    return std::optional(Current{*known, unfinished_key(known->id)});
  }
  // Finished, which seldom changes, or unknown.
  const std::string definition_key = gid_key(gid);
  ::rocksdb::PinnableSlice value;
  auto status = get(definition_key, value);
  if (!status.ok() && !status.IsNotFound()) return failure(status);
  if (!status.ok()) return std::optional<Current>();
  const auto record = decode_gid_record(definition_key, view(value));
  if (!record || !record.value().definition) return std::optional<Current>();
  const std::string key = finished_key(record.value().id);
  value.Reset();
  status = get(key, value);
  if (!status.ok() && !status.IsNotFound()) return failure(status);
  if (!status.ok()) return std::optional<Current>();
  const auto state = decode_state(key, view(value));
  if (!state) return std::optional<Current>();
  return std::optional(Current{known_of(record.value().id, state.value()), key});
}

void DiskStore::put_definition(std::string_view key, std::int64_t id, const Definition& definition) {
  batch_.Put(slice(key), encode_definition(key, id, definition));
}

void DiskStore::put_state(const std::string& key, const Change& change, const KnownTransaction& known,
                          std::vector<BranchState> first_run) {
  batch_.Put(key, encode_state(key, {change.gid, known.type, known.create_time_ms, known.branch_count,
                                     known.registration_count, change.state, std::move(first_run)}));
}

void DiskStore::put_parts(std::int64_t id, const Change& change) {
  auto number = static_cast<std::uint32_t>(change.first_registration);
  for (const Registration& registration : change.registrations) {
    const std::string key = registration_key(id, number++);
    batch_.Put(key, encode_registration(key, registration));
  }
  for (const BranchRun& run : change.runs) {
    if (run.first == 0) continue;
    const std::string key = run_key(id, run.first);
    batch_.Put(key, encode_run(key, run.branches));
  }
}

void DiskStore::note_applied(std::span<const Change> group, std::span<ChangeOutcome> outcomes) {
  const auto writing = unfinished_.begin_writing();
  for (const Planned& planned : planned_) {
    const std::string& gid = group[planned.place].gid;
    if (is_final(planned.known.status)) {
      unfinished_.erase(writing, gid);
      lower_purge_start(planned.known.id);
    } else {
      unfinished_.put(writing, gid, planned.known);
    }
    outcomes[planned.place] = {ChangeResult::applied, planned.known.id};
  }
}

::rocksdb::Status DiskStore::get(std::string_view key, ::rocksdb::PinnableSlice& value) const {
  return database_->Get(::rocksdb::ReadOptions(), database_->DefaultColumnFamily(), slice(key), &value);
}

::rocksdb::Status DiskStore::write(::rocksdb::WriteBatch& batch) {
  ::rocksdb::WriteOptions durable;
  durable.sync = true;
  ++syncs_;
  bytes_written_ += batch.GetDataSize();
  return database_->Write(durable, &batch);
}

Result<Done> DiskStore::check_open() const {
  if (database_) return Done{};
  return Error{Code::unavailable, "store folder " + options_.path + ": cannot be opened again after a failed write"};
}

Result<Done> DiskStore::repair() {
  if (!broken_) return Done{};
  // While the disk takes nothing, what is open keeps answering reads.
  if (auto writable = folder_->probe(); !writable) return writable;

  // What failed may be in the log, and may or may not be on the disk. Opening again reads the log as it is and writes
  // what it finds to tables, synced, and never looks at that log again: from then on there is only one truth.
  const std::unique_lock lock(database_mutex_);
  database_.reset();
  auto opened = open_database(options_, environment_, OpenMode::read_write);
  if (opened) {
    database_ = std::move(opened.value());
    if (auto read = read_index(); !read) return read;
    broken_ = false;
    return Done{};
  }
  auto readable = open_database(options_, environment_, OpenMode::read_only);
  if (readable) database_ = std::move(readable.value());
  return opened.error();
}

}  // namespace settle
