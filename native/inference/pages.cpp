#include "inference/pages.h"

#include "abi.h"
#include "inference/packed_matrix.h"

#include <algorithm>
#include <cstring>

using namespace understudy;

namespace {

constexpr int64_t slab_bytes = int64_t{1} << 24;

uint8_t* address(const Pages& pages, int64_t page) {
    TORCH_CHECK(page >= 0 && page < pages.reserved, "expected a page below ", pages.reserved, ", found ", page);
    return pages.slab_addresses[static_cast<size_t>(page / pages.store.pages_in_slab)] + page % pages.store.pages_in_slab * pages.store.page_bytes;
}

}  // namespace

// A cache without memory yet, for keys and values [key_heads, dim] of every token and layer.
UNDERSTUDY_API void* understudy_pages_new(int64_t layers, int64_t key_heads, int64_t dim, int32_t narrow) {
    Pages* result = nullptr;
    const auto status = status_of([&] {
        TORCH_CHECK(layers > 0 && key_heads > 0 && dim > 0, "expected layers, heads and numbers of a head, found ", layers, ", ", key_heads, " and ", dim);
        auto pages = std::make_unique<Pages>();
        pages->layers = layers;
        pages->key_heads = key_heads;
        pages->dim = dim;
        pages->narrow = narrow != 0;
        const int64_t depth = narrow != 0 ? 2 : 1;
        auto& store = pages->store;
        store.key_bytes = round_up((dim + depth - 1) / depth * page_tokens * 4, 64);
        store.head_bytes = store.key_bytes + page_tokens / depth * round_up(dim, 16) * 4;
        store.layer_bytes = key_heads * store.head_bytes;
        store.page_bytes = layers * store.layer_bytes;
        store.pages_in_slab = std::max<int64_t>(1, slab_bytes / store.page_bytes);
        result = pages.release();
    });
    return status == 0 ? result : nullptr;
}

UNDERSTUDY_API int64_t understudy_pages_bytes(const void* pages) { return static_cast<const Pages*>(pages)->store.page_bytes; }

// Takes memory for at least so many pages.
UNDERSTUDY_API int32_t understudy_pages_reserve(void* cache, int64_t count) {
    return status_of([&] {
        auto& pages = *static_cast<Pages*>(cache);
        while (pages.reserved < count) {
            auto memory = huge_memory(static_cast<size_t>(pages.store.pages_in_slab * pages.store.page_bytes));
            pages.slab_addresses.push_back(static_cast<uint8_t*>(memory.get()));
            pages.slabs.push_back(std::move(memory));
            pages.reserved += pages.store.pages_in_slab;
            pages.store.slabs = pages.slab_addresses.data();
        }
    });
}

UNDERSTUDY_API int32_t understudy_pages_copy(void* cache, int64_t from, int64_t to) {
    return status_of([&] {
        const auto& pages = *static_cast<Pages*>(cache);
        std::memcpy(address(pages, to), address(pages, from), static_cast<size_t>(pages.store.page_bytes));
    });
}

UNDERSTUDY_API void understudy_pages_free(void* pages) { delete static_cast<Pages*>(pages); }
