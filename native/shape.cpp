// Views, joins, indexing.
#include "abi.h"

#include <vector>

using namespace understudy;

UNDERSTUDY_API Handle understudy_view(ConstHandle x, const int64_t* shape, int32_t dims) {
    return tensor_of([&] { return x->view(sizes(shape, dims)); });
}

UNDERSTUDY_API Handle understudy_reshape(ConstHandle x, const int64_t* shape, int32_t dims) {
    return tensor_of([&] { return x->reshape(sizes(shape, dims)); });
}

UNDERSTUDY_API Handle understudy_expand(ConstHandle x, const int64_t* shape, int32_t dims) {
    return tensor_of([&] { return x->expand(sizes(shape, dims)); });
}

UNDERSTUDY_API Handle understudy_permute(ConstHandle x, const int64_t* order, int32_t dims) {
    return tensor_of([&] { return x->permute(sizes(order, dims)); });
}

UNDERSTUDY_API Handle understudy_transpose(ConstHandle x, int64_t first, int64_t second) {
    return tensor_of([&] { return x->transpose(first, second); });
}

UNDERSTUDY_API Handle understudy_unsqueeze(ConstHandle x, int64_t dim) {
    return tensor_of([&] { return x->unsqueeze(dim); });
}

UNDERSTUDY_API Handle understudy_squeeze(ConstHandle x, int64_t dim) {
    return tensor_of([&] { return x->squeeze(dim); });
}

UNDERSTUDY_API Handle understudy_narrow(ConstHandle x, int64_t dim, int64_t start, int64_t length) {
    return tensor_of([&] { return x->narrow(dim, start, length); });
}

UNDERSTUDY_API Handle understudy_select(ConstHandle x, int64_t dim, int64_t index) {
    return tensor_of([&] { return x->select(dim, index); });
}

UNDERSTUDY_API Handle understudy_index_select(ConstHandle x, int64_t dim, ConstHandle indices) {
    return tensor_of([&] { return x->index_select(dim, *indices); });
}

UNDERSTUDY_API Handle understudy_index_copy(ConstHandle x, int64_t dim, ConstHandle indices, ConstHandle source) {
    return tensor_of([&] { return x->index_copy(dim, *indices, *source); });
}

UNDERSTUDY_API Handle understudy_gather(ConstHandle x, int64_t dim, ConstHandle indices) {
    return tensor_of([&] { return x->gather(dim, *indices); });
}

UNDERSTUDY_API Handle understudy_masked_select(ConstHandle x, ConstHandle mask) {
    return tensor_of([&] { return x->masked_select(*mask); });
}

UNDERSTUDY_API Handle understudy_repeat_interleave(ConstHandle x, int64_t repeats, int64_t dim) {
    return tensor_of([&] { return x->repeat_interleave(repeats, dim); });
}

UNDERSTUDY_API Handle understudy_flip(ConstHandle x, int64_t dim) {
    return tensor_of([&] { return x->flip({dim}); });
}

UNDERSTUDY_API Handle understudy_tril(ConstHandle x, int64_t diagonal) {
    return tensor_of([&] { return x->tril(diagonal); });
}

UNDERSTUDY_API Handle understudy_triu(ConstHandle x, int64_t diagonal) {
    return tensor_of([&] { return x->triu(diagonal); });
}

namespace {
std::vector<at::Tensor> list_of(const ConstHandle* tensors, int32_t count) {
    std::vector<at::Tensor> list;
    list.reserve(static_cast<size_t>(count));
    for (int32_t i = 0; i < count; i++) {
        list.push_back(*tensors[i]);
    }
    return list;
}
}  // namespace

UNDERSTUDY_API Handle understudy_cat(const ConstHandle* tensors, int32_t count, int64_t dim) {
    return tensor_of([&] { return at::cat(list_of(tensors, count), dim); });
}

UNDERSTUDY_API Handle understudy_stack(const ConstHandle* tensors, int32_t count, int64_t dim) {
    return tensor_of([&] { return at::stack(list_of(tensors, count), dim); });
}

// Writes `parts` handles, each of size `size` along `dim` (the last may be smaller).
UNDERSTUDY_API int32_t understudy_split(ConstHandle x, int64_t size, int64_t dim, Handle* results, int32_t room) {
    return status_of([&] {
        auto parts = x->split(size, dim);
        TORCH_CHECK(static_cast<int64_t>(parts.size()) == room, "expected ", room, " parts, found ", parts.size());
        for (size_t i = 0; i < parts.size(); i++) {
            results[i] = wrap(parts[i]);
        }
    });
}
