// What one call of the attention kernels works on. The files that are compiled for one instruction set include this and
// nothing of libtorch: an inline function of a shared header compiled there could replace everybody's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace understudy {

// [batch, heads, tokens, dim] with a contiguous last dimension; strides in elements.
struct AttentionMatrix {
    void* data;
    int64_t batch;
    int64_t head;
    int64_t token;
};

// The queries and keys that see each other: a row of a padded batch, or a part of the one row of an unpadded batch.
struct AttentionRow {
    int64_t batch;
    int64_t first_query;
    int64_t first_key;
    int64_t tokens;
    int64_t keys;
};

// Keys [begin, end) of a row.
struct AttentionRange {
    int32_t begin;
    int32_t end;
};

struct AttentionScratch;

struct Attention {
    AttentionMatrix query, key, value, output;
    AttentionMatrix upstream, query_gradient, key_gradient, value_gradient;  // of the backward alone
    const AttentionRow* rows;
    int64_t heads;
    int64_t key_heads;
    int64_t dim;
    int64_t total_tokens;  // of one batch row of query
    float scale;
    bool causal;

    // At most one of the two: numbers that are added to the scores, or whether a token may look.
    const float* added;
    const uint8_t* allowed;
    int64_t mask_batch, mask_head, mask_token;  // strides in elements
    // Outside of it a query's weights are 0. Given with a mask.
    const AttentionRange* visible;
    int64_t visible_batch, visible_head, visible_token;

    // [batch, heads, tokens, 2]: the largest score, and 1 / the sum of what the others are beside it. Kept apart, because
    // a logarithm of the sum is lost beside a score of -1e30. Null when no gradient will be asked for.
    float* statistics;

    uint64_t seed;
    uint32_t drop_below;  // of 65,536; 0: no dropout
    float keep_scale;     // of a weight that is not dropped
    int64_t places;       // random places of one query: its keys / 4, rounded up to 8
};

struct AttentionTask {
    int64_t row;
    int64_t key_head;
    int64_t begin;  // queries [begin, end) of the row
    int64_t end;
};

// Memory until the task ends, aligned to 64 bytes.
void* attention_scratch(AttentionScratch& scratch, size_t bytes);

// `next` is what this thread will probably compute next, whose memory is asked for meanwhile; null for none.
using AttentionKernel = void (*)(const Attention&, const AttentionTask&, const AttentionTask* next, AttentionScratch&);

struct AttentionKernels {
    AttentionKernel forward_float, backward_float, forward_bfloat16, backward_bfloat16;
};

AttentionKernels attention_portable();
AttentionKernels attention_avx2();
AttentionKernels attention_avx512();
AttentionKernels attention_avx512_bf16();

}  // namespace understudy
