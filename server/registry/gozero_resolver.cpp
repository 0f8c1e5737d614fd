#include "server/registry/gozero_resolver.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "server/registry/follower.hpp"
#include "server/registry/host_port.hpp"

namespace settle::server {
namespace {

// What was told once and never changes.
class Settled final : public Following {};

class FollowingInEtcd final : public Following {
 public:
  FollowingInEtcd(std::shared_ptr<WatchGate> gate, EtcdTarget target, std::shared_ptr<Follower> follower)
      : gate_(std::move(gate)), target_(std::move(target)), follower_(std::move(follower)) {}
  ~FollowingInEtcd() override {
    follower_->stop();
    // Where the gate is closed, the watches are gone already.
    static_cast<void>(gate_->post(
        [target = std::move(target_), follower = follower_](WatchTable& table) { table.unfollow(target, follower); }));
  }
  FollowingInEtcd(const FollowingInEtcd&) = delete;
  FollowingInEtcd& operator=(const FollowingInEtcd&) = delete;

 private:
  const std::shared_ptr<WatchGate> gate_;
  EtcdTarget target_;
  const std::shared_ptr<Follower> follower_;
};

bool have_same_hosts(const EtcdAccess& one, const EtcdAccess& other) {
  return one.hosts.size() == other.hosts.size() &&
         std::is_permutation(one.hosts.begin(), one.hosts.end(), other.hosts.begin());
}

// The list that stands in the authority or, where that is empty, in the path.
AddressList direct_list(std::string_view target) {
  std::string_view rest = target.substr(target.find("://") + 3);
  if (rest.starts_with('/')) rest.remove_prefix(1);
  auto hosts = parse_host_list(rest.substr(0, rest.find('/')));
  if (!hosts) {
    return {{},
            "of the target '" + std::string(target) + "', " + hosts.error().message +
                "; it should look like direct:///10.0.0.1:9001,10.0.0.2:9001"};
  }
  std::sort(hosts.value().begin(), hosts.value().end());
  return {std::move(hosts.value()), ""};
}

class GozeroResolver final : public Resolver {
 public:
  GozeroResolver(std::shared_ptr<WatchGate> gate, std::optional<EtcdAccess> own)
      : gate_(std::move(gate)), own_(std::move(own)), plain_(make_plain_resolver()) {}

  std::unique_ptr<Following> follow(const std::string& target, AddressListener listener) override {
    const std::size_t scheme_end = target.find("://");
    if (scheme_end == std::string::npos) return plain_->follow(target, std::move(listener));
    const std::string scheme = target.substr(0, scheme_end);
    if (scheme == "direct") return settle_for(direct_list(target), listener);
    if (scheme == "etcd" || scheme == "discov") return follow_in_etcd(target, std::move(listener));
    return settle_for({{},
                       "no targets of the kind '" + scheme + "://' are known; with MicroService.Driver " +
                           "dtm-driver-gozero there are etcd://, discov://, direct:// and host:port"},
                      listener);
  }

 private:
  static std::unique_ptr<Following> settle_for(AddressList list, const AddressListener& listener) {
    listener(std::move(list));
    return std::make_unique<Settled>();
  }

  std::unique_ptr<Following> follow_in_etcd(const std::string& text, AddressListener listener) {
    auto target = parse_etcd_target(text);
    if (!target) return settle_for({{}, "the target of the branch is malformed: " + target.error().message}, listener);
    EtcdAccess& access = target.value().access;
    const EtcdTls& tls = access.credentials.tls;
    // Branch urls are what clients say: they must not have us read files, nor show our certificate to whom they like.
    if (!tls.ca_file.empty() || !tls.cert_file.empty()) {
      return settle_for(
          {{}, "the target of a branch may not name files: those of MicroService.Target are used for its hosts"},
          listener);
    }
    if (own_ && access.credentials == EtcdCredentials{} && have_same_hosts(access, *own_)) access = *own_;
    const auto follower = std::make_shared<Follower>(std::move(listener));
    const bool is_open =
        gate_->post([target = target.value(), follower](WatchTable& table) { table.follow(target, follower); });
    if (!is_open) {
      follower->tell({{}, "nobody looks for services any more: the server is stopping"});
      return std::make_unique<Settled>();
    }
    return std::make_unique<FollowingInEtcd>(gate_, std::move(target.value()), follower);
  }

  const std::shared_ptr<WatchGate> gate_;
  const std::optional<EtcdAccess> own_;
  const std::unique_ptr<Resolver> plain_;
};

}  // namespace

std::shared_ptr<Resolver> make_gozero_resolver(std::shared_ptr<WatchGate> gate, std::optional<EtcdAccess> own) {
  return std::make_shared<GozeroResolver>(std::move(gate), std::move(own));
}

}  // namespace settle::server
