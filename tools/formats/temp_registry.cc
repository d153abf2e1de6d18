// SPDX-License-Identifier: Apache-2.0
#include "formats/temp_registry.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <csignal>
#include <cstddef>
#include <mutex>

#include "formats/error.h"

namespace dcf::tools {
namespace {

constexpr size_t kSlots = 16;
constexpr int kFatalSignals[] = {SIGINT, SIGTERM, SIGHUP};

// The handler may run between any two instructions, so it reads nothing but these.
struct Slot {
  std::atomic<bool> taken{false};   // owned by a TempRegistration
  std::atomic<bool> active{false};  // the other members are set
  int directory_fd = -1;
  std::array<char, NAME_MAX + 1> name{};
};
std::array<Slot, kSlots> slots;
std::atomic<pid_t> owner{0};

static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<pid_t>::is_always_lock_free);

void on_fatal_signal(int signal_number) {
  // A forked child shares the handler until it calls exec, but the files are its parent's.
  if (getpid() == owner.load()) {
    for (const Slot& slot : slots) {
      if (slot.active.load()) unlinkat(slot.directory_fd, slot.name.data(), 0);
    }
  }
  raise(signal_number);  // SA_RESETHAND: now with the default action, once this handler returns
}

// A signal that is ignored (nohup) or handled otherwise stays as it is.
void install_handlers() {
  for (Slot& slot : slots) {  // what a fork left here belongs to the parent
    slot.active.store(false);
    slot.taken.store(false);
  }
  owner.store(getpid());
  for (const int signal_number : kFatalSignals) {
    struct sigaction current {};
    sigaction(signal_number, nullptr, &current);
    if ((current.sa_flags & SA_SIGINFO) != 0 || current.sa_handler != SIG_DFL) continue;
    struct sigaction ours {};
    ours.sa_handler = on_fatal_signal;
    ours.sa_flags = static_cast<int>(SA_RESETHAND);
    sigfillset(&ours.sa_mask);
    sigaction(signal_number, &ours, nullptr);
  }
}

std::mutex install_mutex;

}  // namespace

TempRegistration::TempRegistration(int directory_fd, const std::string& name) : slot_(-1) {
  if (name.size() > NAME_MAX) throw_failure(name, "has too long a name");
  {
    const std::lock_guard lock(install_mutex);
    if (owner.load() != getpid()) install_handlers();
  }
  for (size_t i = 0; i < kSlots; ++i) {
    Slot& slot = slots[i];
    if (slot.taken.exchange(true)) continue;
    slot.directory_fd = directory_fd;
    *std::copy(name.begin(), name.end(), slot.name.begin()) = '\0';
    slot.active.store(true);
    slot_ = static_cast<int>(i);
    return;
  }
  throw_failure(name, "cannot be written: too many files are being written at once");
}

TempRegistration::~TempRegistration() {
  Slot& slot = slots[static_cast<size_t>(slot_)];
  slot.active.store(false);
  slot.taken.store(false);
}

}  // namespace dcf::tools
