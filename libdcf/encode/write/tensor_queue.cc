// SPDX-License-Identifier: Apache-2.0
#include "encode/write/tensor_queue.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "base/big_vector.h"
#include "base/checked.h"
#include "encode/write/tensor_equality.h"

namespace dcf::impl::encode {
namespace {

// What a tensor may hold while it is encoded beside others: its bytes, those that are coded,
// counts, tables and the chunks in progress, of which one may be all of it (chunk_room()). Others
// are in progress only where that is less than this part of the memory.
constexpr uint64_t kRoomPerByte = 6;
constexpr uint64_t kLeastRoom = uint64_t{16} << 20;
constexpr uint64_t kMostShare = 2;
// A thread takes several small tensors at once, up to so many and so many bytes: to take one costs
// about as much as to encode it.
constexpr size_t kMostOfBatch = 32;
constexpr uint64_t kBatchBytes = uint64_t{1} << 16;

// The most that encode_tensor() takes for one chunk: entries, which grow by doubling, their numbers
// and symbols; signs of zeros and bit strings of the elements.
uint64_t chunk_room(const TensorSize& size) {
  const uint64_t width = std::min<uint64_t>(ceil_div(size.bits, 8), sizeof(uint64_t));
  const uint64_t entries = std::min<uint64_t>(size.elements, kMaxChunkEntries + 1);
  const uint64_t elements = std::min<uint64_t>(size.elements, kMaxChunkElements);
  return entries * (5 * width + 7 * sizeof(uint32_t)) + elements * (3 * sizeof(uint32_t) + 1);
}

// The progress of a call, to which several threads report.
class SharedProgress {
 public:
  explicit SharedProgress(Progress& progress) : progress_(progress) {}

  // Cancelled from the first time on that the caller asked for it.
  Status add(uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    if (status_.ok()) status_ = progress_.update(done_ += bytes);
    return status_;
  }

 private:
  std::mutex mutex_;
  Progress& progress_;
  uint64_t done_ = 0;
  Status status_;
};

// What one tensor adds to it, as a progress of its own.
class ProgressShare {
 public:
  explicit ProgressShare(SharedProgress& all) : all_(all), own_(report, this) {}
  ProgressShare(const ProgressShare&) = delete;
  ProgressShare& operator=(const ProgressShare&) = delete;
  Progress& progress() { return own_; }

 private:
  static int report(void* self, uint64_t done, uint64_t /*total*/) {
    auto* const share = static_cast<ProgressShare*>(self);
    const uint64_t news = done - std::min(done, share->reported_);
    share->reported_ += news;
    return share->all_.add(news).ok() ? 0 : 1;
  }

  SharedProgress& all_;
  Progress own_;
  uint64_t reported_ = 0;
};

// A tensor from its turn until it is added.
struct Item {
  explicit Item(SharedProgress& all) : share(all) {}

  ProgressShare share;
  DenseSource source;
  TensorSize size;
  BigVector<uint8_t> data;  // if they were read
  TensorInput input;
  uint64_t room = 0;      // bytes of memory that it may take
  uint64_t reserved = 0;  // those that no other one may take
  Status status;
  uint64_t key = 0;
  bool is_first = false;  // with this key
  StoredTensor prepared;  // if it is the first
  BigVector<uint8_t> payload;
};

// Tensors that follow each other, which one thread encodes.
struct Batch {
  size_t first = 0;
  std::vector<std::unique_ptr<Item>> items;
};

template <typename Body>
Status without_exceptions(Body body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(Code::OutOfMemory, "", "the machine is out of memory");
  }
}

// Reads what the source does not have in memory.
Status load(Item* item) {
  const DenseSource& source = item->source;
  item->input = {source.spec, DenseData{source.data}};
  if (!source.read) return ok_status();
  const uint64_t bytes = item->size.bytes();
  if (bytes > item->room) {
    return fail(Code::LimitMemory, "", "the tensor does not fit in the memory limit");
  }
  item->data.resize(static_cast<size_t>(bytes));
  item->input.data = DenseData{item->data};
  return source.read(item->data);
}

class TensorQueue {
 public:
  TensorQueue(size_t count, const FindSource& find, const Parallel& parallel, Progress& progress,
              TensorAdder* adder)
      : count_(count), find_(find), parallel_(parallel), progress_(progress), adder_(*adder) {}

  Status run() {
    while (failure_.ok() && next_ < count_) {
      draining_ = false;
      if (parallel_.width() > 1 && count_ > 1) {
        parallel_.run(parallel_.width(), [this](size_t) { encode_some(); });
      }
      // Nothing is in progress now. A tensor that stopped the others has all memory and threads.
      if (failure_.ok() && next_ < count_ && (parallel_.width() == 1 || count_ == 1 || is_large_)) {
        const size_t i = next_++;
        const Status status = without_exceptions([&] { return add_alone(i); });
        if (!status.ok()) failure_ = status.in_tensor(i);
        ++added_;
      }
    }
    return failure_;
  }

 private:
  // Encodes tensors beside other threads until one must wait for memory or is the last. Then the
  // threads return, so that they help with the chunks of those in progress.
  void encode_some() {
    std::unique_lock lock(mutex_);
    for (Batch batch = take_batch(); !batch.items.empty(); batch = take_batch()) {
      lock.unlock();
      for (const auto& item : batch.items) {
        item->status = without_exceptions([&] { return find_key(item.get()); });
      }
      take_keys(batch);
      for (const auto& item : batch.items) {
        if (!item->status.ok() || !item->is_first) continue;
        item->status = without_exceptions([&] { return prepare(*item); });
      }
      lock.lock();
      const Status kept = without_exceptions([&] {
        for (size_t k = 0; k < batch.items.size(); ++k) {
          release(batch.items[k].get());
          ready_.emplace(batch.first + k, std::move(batch.items[k]));
        }
        return ok_status();
      });
      if (!kept.ok()) {
        failure_ = kept;
        return;
      }
      for (auto it = ready_.begin(); it != ready_.end() && it->first == added_; ++added_) {
        finish(it->first, *it->second);
        it = ready_.erase(it);
      }
    }
  }

  // The next tensors whose memory there is, with the lock; none once the queue is draining.
  Batch take_batch() {
    Batch batch;
    batch.first = next_;
    uint64_t bytes = 0;
    while (!draining_ && failure_.ok() && next_ < count_ && batch.items.size() < kMostOfBatch) {
      std::unique_ptr<Item> item;
      bool fits = true;
      const Status status = without_exceptions([&]() -> Status {
        item = std::make_unique<Item>(progress_);
        DCF_TRY(find(next_, item.get()));
        bytes += item->size.bytes();
        fits = batch.items.empty() || bytes <= kBatchBytes;
        if (!fits) return ok_status();
        batch.items.reserve(kMostOfBatch);
        DCF_TRY(reserve(batch.items.empty(), item.get()));
        if (!draining_) keyless_.emplace(item->size.bytes(), next_);
        return ok_status();
      });
      if (!status.ok()) failure_ = status.in_tensor(next_);
      if (!status.ok() || !fits || draining_) break;
      batch.items.push_back(std::move(item));
      ++next_;
    }
    return batch;
  }

  Status find(size_t i, Item* item) {
    DCF_ASSIGN(item->source, find_(i));
    DCF_ASSIGN(item->size, check_spec(item->source.spec, item->source.options));
    return ok_status();
  }

  // Takes memory for a tensor; without success the queue is draining. Those of a batch are encoded
  // one after the other, and share what the first one has beside its own bytes.
  Status reserve(bool first_of_batch, Item* item) {
    const EncodeOptions& options = item->source.options;
    const uint64_t memory = adder_.available();
    const uint64_t bytes = item->size.bytes();
    // Moments may take any memory.
    is_large_ = options.moments || bytes > memory / kMostShare / kRoomPerByte;
    item->room = kLeastRoom + lossy_bytes(item->source.spec, options, item->size);
    if (!is_large_) item->room += bytes * kRoomPerByte + chunk_room(item->size);
    item->reserved = item->room + sizeof(Item);
    is_large_ = is_large_ || item->reserved > memory / kMostShare;
    if (!first_of_batch) item->reserved -= kLeastRoom;
    draining_ = is_large_ || item->reserved > memory - std::min(memory, reserved_);
    if (!draining_) reserved_ += item->reserved;
    return ok_status();
  }

  // Gives back what a tensor in its coded form does not need while it waits for those before it.
  // With the lock.
  void release(Item* item) {
    if (!item->is_first) return;  // it waits as it is
    const uint64_t waiting = std::min(item->reserved, sizeof(Item) + item->payload.size());
    reserved_ -= std::exchange(item->reserved, waiting) - waiting;
  }

  static Status find_key(Item* item) {
    DCF_TRY(load(item));
    DCF_ASSIGN(const CheckedInput input, CheckedInput::check(item->input, item->source.options));
    item->key = content_key(input);
    return ok_status();
  }

  // Finds which tensors are the first of their key: those of the same size before them must have
  // theirs. One that is not is compared when all before it are added.
  void take_keys(const Batch& batch) {
    std::unique_lock lock(mutex_);
    for (size_t k = 0; k < batch.items.size(); ++k) {
      Item* const item = batch.items[k].get();
      const uint64_t bytes = item->size.bytes();
      const std::pair<uint64_t, size_t> own{bytes, batch.first + k};
      key_taken_.wait(lock, [&] { return *keyless_.lower_bound({bytes, 0}) == own; });
      keyless_.erase(own);
      key_taken_.notify_all();
      if (!item->status.ok()) continue;
      item->status = without_exceptions([&] {
        item->is_first = !adder_.knows(item->key) && keys_.insert(item->key).second;
        return ok_status();
      });
    }
  }

  // Encodes a tensor that is the first of its key.
  Status prepare(Item& item) {
    DCF_ASSIGN(const CheckedInput input, CheckedInput::check(item.input, item.source.options));
    Progress& progress = item.share.progress();
    DCF_TRY(progress.begin(input.size().bytes()));
    item.payload.reserve(static_cast<size_t>(input.size().bytes()));
    DCF_ASSIGN(item.prepared,
               prepare_tensor(input, {inner(), progress, memory_of(item)}, [&](Bytes bytes) {
                 item.payload.insert(item.payload.end(), bytes.begin(), bytes.end());
                 return ok_status();
               }));
    item.data = {};
    return ok_status();
  }

  // Adds a tensor when all before it are added. With the lock.
  void finish(size_t i, Item& item) {
    if (failure_.ok() && item.status.ok()) {
      item.status = without_exceptions([&] { return add(item); });
    }
    if (failure_.ok() && !item.status.ok()) failure_ = item.status.in_tensor(i);
    if (item.is_first) keys_.erase(item.key);
    reserved_ -= item.reserved;
  }

  Status add(Item& item) {
    Progress& progress = item.share.progress();
    if (item.is_first) {
      DCF_TRY(adder_.add_prepared(item.source.spec, item.key, std::move(item.prepared),
                                  std::move(item.payload)));
      return progress.update(progress.total());
    }
    DCF_ASSIGN(const CheckedInput input, CheckedInput::check(item.input, item.source.options));
    return adder_.add(input, {inner(), progress, memory_of(item)});
  }

  Status add_alone(size_t i) {
    Item item(progress_);
    DCF_TRY(find(i, &item));
    item.room = adder_.available();
    DCF_TRY(load(&item));
    DCF_ASSIGN(const CheckedInput input, CheckedInput::check(item.input, item.source.options));
    return adder_.add(input, {parallel_, item.share.progress(), memory_of(item)});
  }

  static uint64_t memory_of(const Item& item) { return item.room - item.data.size(); }

  // A host's loops may not be nested.
  const Parallel& inner() const { return parallel_.host == nullptr ? parallel_ : one_thread_; }

  const size_t count_;
  const FindSource& find_;
  const Parallel& parallel_;
  const Parallel one_thread_;
  SharedProgress progress_;

  std::mutex mutex_;  // for all below
  TensorAdder& adder_;
  size_t next_ = 0;  // the first whose turn is still to come
  std::condition_variable key_taken_;
  std::set<std::pair<uint64_t, size_t>> keyless_;  // bytes and indices of those without a key yet
  size_t added_ = 0;
  // Bytes of memory. Always what the one that is added may take beside its own bytes.
  uint64_t reserved_ = kLeastRoom;
  bool draining_ = false;    // none begins until all threads have returned
  bool is_large_ = false;    // the next one is never encoded beside others
  std::set<uint64_t> keys_;  // of tensors in progress
  std::map<size_t, std::unique_ptr<Item>> ready_;
  Status failure_;
};

}  // namespace

Status add_tensors(size_t count, const FindSource& find, const Parallel& parallel,
                   Progress& progress, TensorAdder* adder) {
  uint64_t total = 0;
  for (size_t i = 0; i < count; ++i) {
    const Result<DenseSource> source = find(i);
    if (!source.ok()) return source.status().in_tensor(i);
    const Result<TensorSize> size = check_spec(source.value().spec, source.value().options);
    if (!size.ok()) return size.status().in_tensor(i);
    total += size.value().bytes();
  }
  DCF_TRY(progress.begin(total));
  DCF_TRY(TensorQueue(count, find, parallel, progress, adder).run());
  return progress.update(total);
}

}  // namespace dcf::impl::encode
