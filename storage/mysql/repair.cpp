// What is known of writes that failed, and how it becomes certain.
#include <iterator>
#include <string>
#include <utility>

#include "storage/mysql/parameters.hpp"
#include "storage/mysql/writes.hpp"

namespace settle::mysql {
namespace {

constexpr std::size_t kGidsOfOneStatement = 64;

// A locking read waits until the session that was lost has committed or rolled back; then nothing of it is to come.
SqlResult<Done> wait_for(Connection& connection, const std::vector<std::string>& gids) {
  for (std::size_t first = 0; first < gids.size(); first += kGidsOfOneStatement) {
    Parameters parameters;
    const std::size_t count = std::min(kGidsOfOneStatement, gids.size() - first);
    for (std::size_t i = 0; i < count; ++i) parameters.view(gids[first + i]);
    const std::string list = parameters.close_list(count);
    const auto rows = connection.query(
        "SELECT gid FROM trans_global FORCE INDEX (gid) WHERE gid IN " + list + " FOR UPDATE", parameters.list());
    if (!rows) return rows.error();
  }
  return Done{};
}

SqlResult<Done> wait_for(Connection& connection, const std::vector<std::pair<std::string, std::string>>& key_values) {
  for (const auto& [category, key] : key_values) {
    const std::vector<Parameter> parameters{category, key};
    const auto rows = connection.query("SELECT id FROM kv WHERE cat = ? AND k = ? FOR UPDATE", parameters);
    if (!rows) return rows.error();
  }
  return Done{};
}

// A transaction that writes, and leaves nothing. That it is on disk means that all that was committed before it is, for
// the server lets others see a commit before its log has reached the disk.
SqlResult<Done> write_probe(Connection& connection) {
  const std::string key = "probe of session " + std::to_string(connection.session_id());
  const std::vector<Parameter> parameters{kOwnerPrefix, key};
  if (const auto done = connection.begin(); !done) return done.error();
  if (const auto done = connection.execute("INSERT INTO kv (cat, k, v) VALUES (?, ?, '')", parameters); !done) {
    return done.error();
  }
  if (const auto done = connection.execute("DELETE FROM kv WHERE cat = ? AND k = ?", parameters); !done) {
    return done.error();
  }
  if (const auto done = connection.commit(); !done) return done.error();
  return Done{};
}

}  // namespace

bool Writes::is_broken() {
  const std::lock_guard lock(mutex_);
  return broken_.contains(std::this_thread::get_id());
}

void Writes::note_broken(Unknown unknown) {
  const std::lock_guard lock(mutex_);
  broken_[std::this_thread::get_id()] = ++failures_;
  if (!unknown.gids.empty() || !unknown.key_values.empty()) unknown_.emplace(failures_, std::move(unknown));
}

void Writes::note_failed(const std::string& category, const std::string& key) { note_broken({{}, {{category, key}}}); }

Result<Done> Writes::repair() {
  std::uint64_t newest = 0;
  std::map<std::uint64_t, Unknown> unknown;
  {
    const std::lock_guard lock(mutex_);
    newest = failures_;
    unknown = unknown_;
  }
  const auto done = pool_.run<Done>([&](Connection& connection) -> SqlResult<Done> {
    for (const auto& [failure, lost] : unknown) {
      if (auto waited = wait_for(connection, lost.gids); !waited) return waited;
      if (auto waited = wait_for(connection, lost.key_values); !waited) return waited;
    }
    return write_probe(connection);
  });
  if (!done) return Error{Code::unavailable, "the database is not sound yet: " + done.error().message};
  const std::lock_guard lock(mutex_);
  unknown_.erase(unknown_.begin(), unknown_.upper_bound(newest));
  std::erase_if(broken_, [newest](const auto& lane) { return lane.second <= newest; });
  return Done{};
}

}  // namespace settle::mysql
