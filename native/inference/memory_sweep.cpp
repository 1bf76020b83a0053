// How fast the machine reads memory: the bound of whatever reads each of its weights once.
#include "abi.h"
#include "inference/packed_matrix.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>

using namespace understudy;

namespace {

constexpr int64_t block = 1 << 16;  // bytes of which every thread reads whole multiples
constexpr int64_t line = 8;         // numbers of a cache line
constexpr int64_t ahead = 512;      // numbers; a page of 4 KiB is where the processor's own prefetching ends

struct MemorySweep {
    std::shared_ptr<void> memory;
    int64_t blocks = 0;
    uint64_t seen = 0;  // what was read ends here, so that no compiler leaves the reading out
};

// Prefetching reads nothing where there is no memory, as behind the last block.
uint64_t read_block(const uint64_t* from) {
    uint64_t sums[line] = {};
    for (int64_t i = 0; i < block / 8; i += line) {
        __builtin_prefetch(from + i + ahead);
        for (int64_t s = 0; s < line; s++) {
            sums[s] ^= from[i + s];
        }
    }
    uint64_t all = 0;
    for (const auto sum : sums) {
        all ^= sum;
    }
    return all;
}

}  // namespace

// Memory to be read, in huge pages; at least one block. To be freed with understudy_sweep_free.
UNDERSTUDY_API void* understudy_sweep_new(int64_t bytes) {
    MemorySweep* result = nullptr;
    const auto status = status_of([&] {
        TORCH_CHECK(bytes >= block, "expected at least ", block, " bytes to read, found ", bytes);
        auto sweep = std::make_unique<MemorySweep>();
        sweep->blocks = bytes / block;
        sweep->memory = huge_memory(static_cast<size_t>(sweep->blocks * block));
        auto* data = static_cast<uint8_t*>(sweep->memory.get());
        at::parallel_for(0, sweep->blocks, 1, [&](int64_t begin, int64_t end) {
            std::memset(data + begin * block, 1, static_cast<size_t>((end - begin) * block));
        });
        result = sweep.release();
    });
    return status == 0 ? result : nullptr;
}

// Reads all of it once, with as many threads as libtorch uses.
UNDERSTUDY_API int32_t understudy_sweep_run(void* handle, int64_t* bytes, double* seconds) {
    return status_of([&] {
        auto& sweep = *static_cast<MemorySweep*>(handle);
        const auto* data = static_cast<const uint8_t*>(sweep.memory.get());
        std::atomic<uint64_t> seen{0};
        const auto begun = std::chrono::steady_clock::now();
        at::parallel_for(0, sweep.blocks, 1, [&](int64_t begin, int64_t end) {
            uint64_t own = 0;
            for (int64_t i = begin; i < end; i++) {
                own ^= read_block(reinterpret_cast<const uint64_t*>(data + i * block));
            }
            seen.fetch_xor(own, std::memory_order_relaxed);
        });
        *seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
        *bytes = sweep.blocks * block;
        sweep.seen ^= seen.load();
    });
}

UNDERSTUDY_API void understudy_sweep_free(void* sweep) { delete static_cast<MemorySweep*>(sweep); }
