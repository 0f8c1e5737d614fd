#include "benches/server_process.hpp"

#include <system_error>

namespace settle::bench {

Result<ServerSetting> make_setting(std::filesystem::path program, std::string store, std::filesystem::path folder) {
  std::error_code failure;
  const std::filesystem::path found = std::filesystem::canonical(program, failure);
  if (failure) return Error{Code::invalid, "no such program: " + program.string() + ": " + failure.message()};
  // Both are held at once, so that they differ.
  Result<Listener> http = listen_on_loopback();
  if (!http) return http.error();
  Result<Listener> grpc = listen_on_loopback();
  if (!grpc) return grpc.error();
  return ServerSetting{.program = found,
                       .store = std::move(store),
                       .folder = std::move(folder),
                       .http_port = http.value().port,
                       .grpc_port = grpc.value().port};
}

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(const ServerSetting& setting) {
  ChildSetting child{.program = setting.program,
                     .environment = {"HTTP_PORT=" + std::to_string(setting.http_port),
                                     "GRPC_PORT=" + std::to_string(setting.grpc_port), "STORE_DRIVER=" + setting.store,
                                     "STORE_PATH=" + (setting.folder / "store").string()},
                     .folder = setting.folder,
                     .name = "server"};
  child.environment.insert(child.environment.end(), setting.store_environment.begin(), setting.store_environment.end());
  Result<std::unique_ptr<ChildProcess>> process = ChildProcess::start(child);
  if (!process) return process.error();
  return std::unique_ptr<ServerProcess>(new ServerProcess(std::move(process).value(), setting.http_port));
}

Result<Done> ServerProcess::wait_until_ready(std::int64_t timeout_ms) {
  return process_->wait_until_ready(timeout_ms, [this, timeout_ms]() -> Result<Done> {
    const Result<Answer> answer = get(address(), "/api/ping", timeout_ms);
    if (!answer) return answer.error();
    if (answer.value().status == 200) return Done{};
    return Error{Code::unavailable, "answers " + std::to_string(answer.value().status)};
  });
}

}  // namespace settle::bench
