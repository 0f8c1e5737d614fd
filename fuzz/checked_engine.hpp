// An engine that refuses what a real one refuses for what it says, and looks at what it would accept.
#pragma once

#include <cstddef>

#include "transports/dtm/fake_engine.hpp"

namespace settle::fuzz {

// What is accepted comes back from every store as it was, and its headers fit into every request.
void check_accepted(Definition definition);
void check_accepted(TransType type, const Registration& registration);

class CheckedEngine final : public dtm::FakeEngine {
 public:
  std::size_t changes = 0;  // requests that a real engine would act upon

  void submit(Definition given, Completion<Done> completion) override;
  void prepare(Definition given, Completion<Done> completion) override;
  void prepare_workflow(Definition given, Completion<StoredTransaction> completion) override;
  void register_branch(std::string gid, TransType type, Registration given, BranchStatus status,
                       Completion<Done> completion) override;
  void finish_workflow(std::string gid, GlobalStatus status, std::string rollback_reason, std::string result,
                       Completion<Done> completion) override;
  void abort(std::string gid, std::optional<TransType> type, std::string reason, Completion<Done> completion) override;
  void force_stop(std::string gid, Completion<Done> completion) override;
  void make_due(std::string gid, Completion<Done> completion) override;
  void make_all_due(std::int64_t later_than_ms, std::size_t limit, Completion<MadeDue> completion) override;
  void subscribe(std::string topic, std::string url, std::string remark, Completion<Done> completion) override;
  void unsubscribe(std::string topic, std::string url, Completion<Done> completion) override;
  void delete_topic(std::string topic, Completion<Done> completion) override;
};

}  // namespace settle::fuzz
