// The topics of this process: what the store holds of them, kept in memory.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/runtime/committer.hpp"
#include "settle/clock.hpp"
#include "settle/engine.hpp"
#include "settle/topics.hpp"

namespace settle::runtime {

// Threads: topics() from any. The others on the committer's lane, read() before anything else.
class TopicBook {
 public:
  TopicBook(Store& store, Clock& clock) : store_(store), clock_(clock), topics_(std::make_shared<const TopicMap>()) {}

  // What the store holds; to be called again when the store was repaired. A topic that cannot be understood is told to
  // `log` and left out.
  Result<Done> read(const Log& log);

  // A snapshot: later changes make a new one.
  std::shared_ptr<const TopicMap> topics() const;

  // See Engine::subscribe and the others. Done: it is durable and topics() shows it.
  Result<Done> subscribe(Committer& committer, const std::string& topic, const Subscriber& subscriber);
  Result<Done> unsubscribe(Committer& committer, const std::string& topic, const std::string& url);
  Result<Done> remove(Committer& committer, const std::string& topic);

 private:
  struct Stored {
    std::int64_t version = 0;  // 0: there is none
    std::vector<Subscriber> subscribers;
  };
  Result<Stored> load(const Committer& committer, const std::string& topic);
  Result<Done> store(Committer& committer, const std::string& topic, const Stored& stored);
  Result<Done> write(Committer& committer, KeyValueChange change);
  void show(const std::string& topic, const std::vector<Subscriber>* subscribers);

  Store& store_;
  Clock& clock_;
  mutable std::mutex mutex_;  // guards topics_
  std::shared_ptr<const TopicMap> topics_;
};

}  // namespace settle::runtime
