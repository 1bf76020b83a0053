// Keeps freed tensor memory for the next tensor. A training step asks for the same large blocks again and again; taken
// from the system each time, every page of them is a fault and is zeroed, which costs more than many operations on it.
#include "abi.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace {

constexpr size_t alignment = 64;           // of AVX-512; also the room of a block's header
constexpr size_t smallest_kept = 1 << 16;  // below this malloc itself is quick and keeps memory
constexpr size_t huge_page = 1 << 21;
constexpr size_t window = 1 << 15;         // allocations after which an old peak is forgotten

struct alignas(alignment) Header {
    size_t bytes;  // of the whole block, header included
};
static_assert(sizeof(Header) == alignment);

// Eight sizes between two powers of two: at most an eighth of a block is unused.
size_t rounded(size_t bytes) {
    if (bytes < smallest_kept) {
        return bytes;
    }
    size_t step = 1;
    while (step * 16 <= bytes) {
        step *= 2;
    }
    step = std::max<size_t>(step, 4096);
    if (bytes >= 2 * huge_page) {
        step = std::max(step, huge_page);
    }
    return (bytes + step - 1) / step * step;
}

// Huge pages for what is asked for: those of the rounding would be filled with nothing.
void* from_system(size_t bytes, size_t wanted) {
    void* block = nullptr;
    if (posix_memalign(&block, bytes >= 2 * huge_page ? huge_page : alignment, bytes) != 0) {
        return nullptr;
    }
    if (bytes >= 2 * huge_page) {
        madvise(block, wanted / huge_page * huge_page, MADV_HUGEPAGE);
    }
    return block;
}

// Memory held, in use or kept, stays within a quarter of the most that was in use at once in the last two windows:
// less, and blocks of one size are given back to make room for those of another, step after step.
class KeptBlocks {
public:
    void* take(size_t bytes, size_t wanted) {
        const std::lock_guard<std::mutex> lock(mutex_);
        in_use_ += bytes;
        if (++allocations_ % window == 0) {
            earlier_peak_ = peak_;
            peak_ = in_use_;
        }
        peak_ = std::max(peak_, in_use_);
        const auto found = kept_.find(bytes);
        if (found != kept_.end()) {
            void* block = found->second.back();
            found->second.pop_back();
            if (found->second.empty()) {
                kept_.erase(found);
            }
            kept_bytes_ -= bytes;
            return block;
        }
        shrink();
        void* block = from_system(bytes, wanted);
        if (block == nullptr) {
            release_all();
            block = from_system(bytes, wanted);
        }
        if (block == nullptr) {
            in_use_ -= bytes;
        }
        return block;
    }

    void give(void* block, size_t bytes) {
        const std::lock_guard<std::mutex> lock(mutex_);
        in_use_ -= bytes;
        kept_[bytes].push_back(block);
        kept_bytes_ += bytes;
        shrink();
    }

    // What the work before needed says nothing of the work to come.
    void forget() {
        const std::lock_guard<std::mutex> lock(mutex_);
        release_all();
        peak_ = in_use_;
        earlier_peak_ = in_use_;
    }

private:
    void shrink() {
        const size_t peak = std::max(peak_, earlier_peak_);
        const size_t bound = peak + peak / 4;
        // Largest first: few blocks bring it down, and small ones are asked for most often.
        while (kept_bytes_ > 0 && in_use_ + kept_bytes_ > bound) {
            release_one(std::prev(kept_.end()));
        }
    }

    void release_all() {
        while (!kept_.empty()) {
            release_one(kept_.begin());
        }
    }

    void release_one(std::map<size_t, std::vector<void*>>::iterator size) {
        std::free(size->second.back());
        kept_bytes_ -= size->first;
        size->second.pop_back();
        if (size->second.empty()) {
            kept_.erase(size);
        }
    }

    std::mutex mutex_;
    std::map<size_t, std::vector<void*>> kept_;
    size_t kept_bytes_ = 0;
    size_t in_use_ = 0;
    size_t peak_ = 0;
    size_t earlier_peak_ = 0;
    size_t allocations_ = 0;
};

// Never destroyed: tensors of static objects may be freed after everything else.
KeptBlocks& kept_blocks() {
    static auto* blocks = new KeptBlocks();
    return *blocks;
}

void release(void* data) {
    if (data == nullptr) {
        return;
    }
    auto* header = static_cast<Header*>(data) - 1;
    if (header->bytes < smallest_kept) {
        std::free(header);
    } else {
        kept_blocks().give(header, header->bytes);
    }
}

// allocate lost its const and copy_data came with libtorch 2.3; what a version does not ask for is an ordinary member.
class KeepingAllocator final : public c10::Allocator {
public:
    c10::DataPtr allocate(size_t bytes) { return taken(bytes); }
    c10::DataPtr allocate(size_t bytes) const { return taken(bytes); }
    c10::DeleterFnPtr raw_deleter() const override { return &release; }
    void copy_data(void* to, const void* from, size_t bytes) const { std::memcpy(to, from, bytes); }

private:
    static c10::DataPtr taken(size_t bytes) {
        if (bytes == 0) {
            return {nullptr, nullptr, &release, c10::Device(c10::DeviceType::CPU)};
        }
        const size_t whole = bytes > SIZE_MAX - 2 * huge_page ? 0 : rounded(bytes + sizeof(Header));
        void* block = whole == 0 ? nullptr : whole < smallest_kept ? from_system(whole, whole)
                                                                : kept_blocks().take(whole, bytes + sizeof(Header));
        TORCH_CHECK(block != nullptr, "not enough memory: ", bytes, " bytes for a tensor could not be had. Make the batch "
                    "or the rows smaller.");
        auto* data = new (block) Header{whole} + 1;
        return {data, data, &release, c10::Device(c10::DeviceType::CPU)};
    }
};

// UNDERSTUDY_KEEP_MEMORY=0 leaves libtorch's own allocator in place, for tools that watch malloc.
const bool registered = [] {
    const char* keep = std::getenv("UNDERSTUDY_KEEP_MEMORY");
    if (keep == nullptr || std::strcmp(keep, "0") != 0) {
        c10::SetCPUAllocator(new KeepingAllocator(), 1);
    }
    return true;
}();

}  // namespace

UNDERSTUDY_API void understudy_empty_cache() {
    kept_blocks().forget();
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}
