// What the kernels of an inference step work on. The files that are compiled for one instruction set include this and nothing
// of libtorch: an inline function of a shared header compiled there could replace everybody's.
//
// Whatever a row is computed together with, its numbers are the same to the last bit: every sum runs over its terms in their
// order, one after the other, and how many rows or keys are computed at once changes nothing of that.
#pragma once

#include <cstddef>
#include <cstdint>

namespace understudy {

constexpr int64_t panel_columns = 64;  // outputs of a matrix that are computed together
constexpr int64_t page_tokens = 16;    // tokens whose keys and values lie together

// Widths of buffers are rounded up to this, so that a kernel may read and write whole vectors.
constexpr int64_t row_step = 64;

inline int64_t round_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

// How a matrix is held. A word is one float32 or two bfloat16 that follow each other along the inputs; a panel holds, for one
// word of the inputs after the other, the words of 64 outputs.
enum class PanelFormat : int32_t {
    float32 = 0,
    bfloat16 = 1,
    int8 = 2,  // for one pair of inputs after the other: 64 codes for the first, 64 for the second
    nf4 = 3,   // for one pair of inputs after the other: 64 bytes, the first in the high half; then the scales, 64 for every block
};

enum class StepActivation : int32_t {
    none = 0,
    gelu = 1,
    gelu_tanh = 2,
    silu = 3,
    relu = 4,
    tanh = 5,
    quick_gelu = 6,
    relu2 = 7,
    sigmoid = 8,
};

struct Panels {
    const uint8_t* data = nullptr;
    int64_t panel_bytes = 0;
    int64_t inputs = 0;
    int64_t outputs = 0;
    PanelFormat format = PanelFormat::float32;
    const float* scales = nullptr;  // [outputs, rounded up to 64], int8 alone
    const float* bias = nullptr;    // [outputs, rounded up to 64], or null
    int64_t block = 0;              // inputs that share a scale, nf4 alone; a power of two of which inputs is a multiple
};

// out = activation(in W^T + bias + beside), or out += that.
struct LinearTask {
    const void* in;  // numbers of the kernel's type
    int64_t in_row;  // numbers from one row to the next
    const Panels* weight;
    void* out;
    int64_t out_row;
    bool out_narrow;  // bfloat16 rather than float32
    bool add;         // float32 alone
    StepActivation activation;
    const float* beside;  // null for none
    int64_t beside_row;
    bool whole_rows;  // whether 64 outputs may be written where there are fewer
};

// Keys and values of a cache: pages of 16 tokens in slabs. A page holds, for one layer and key head after the other, keys as
// [words of dim][16 tokens] and values as [16 tokens in words][dim rounded up to 16].
struct PageStore {
    uint8_t* const* slabs = nullptr;
    int64_t pages_in_slab = 0;
    int64_t page_bytes = 0;
    int64_t layer_bytes = 0;
    int64_t head_bytes = 0;
    int64_t key_bytes = 0;  // of a head's keys; its values follow
};

struct StepRow {
    int32_t first;           // its first token in the batch
    int32_t count;           // its tokens in the batch
    int32_t past;            // its tokens in the cache before them
    int32_t source;          // its tokens in the source's cache
    const int32_t* pages;
    const int32_t* source_pages;
    const uint64_t* tree;    // [count, words of 64 bits of count]: which of the batch's tokens of this row each sees; null for all up to itself
};

// Splits what a layer made of every token into heads, turns queries and keys by their positions and puts keys and values into
// the cache.
struct HeadsTask {
    const float* in;
    int64_t in_row;
    int64_t heads, key_heads, dim;
    int64_t query_at, query_step;  // where the first head's numbers begin and how far it is to the next; -1: there are none
    int64_t key_at, key_step;
    int64_t value_at, value_step;
    const float* query_norm;  // [dim] of a root mean square norm; null for none
    const float* key_norm;
    float eps;
    const float* cosine;  // [positions, rotated]; null for none
    const float* sine;
    int64_t rotated;
    float query_scale;
    void* query;  // [tokens, heads x dim] in the kernel's type
    int64_t query_row;
    PageStore store;
    int64_t layer;
    bool source;  // the row's source pages rather than its own
};

enum class Sees : int32_t {
    before = 0,  // itself and what is before it
    all = 1,     // every token of the row
    source = 2,  // every token of the row's source
};

struct AttendTask {
    const void* query;
    int64_t query_row;
    int64_t heads, key_heads, dim;
    PageStore store;
    int64_t layer;
    Sees sees;
    int64_t window;  // tokens a token sees, itself included; 0 for all
    const int32_t* positions;  // of the batch's tokens
    float scale;
    const float* bias;  // [heads, bias_row]: added to the score of a key at bias_origin + its place - the query's; null for none
    int64_t bias_row;
    int64_t bias_origin;
    float* out;         // [tokens, heads x dim]; null where narrow
    uint16_t* narrow;
    int64_t out_row;
};

struct NormalizeTask {
    const float* in;
    int64_t in_row;
    int64_t width;
    const float* weight;
    const float* bias;  // null: root mean square
    float eps;
    bool root_mean_square;
    float* wide;       // null or the output in float32
    int64_t wide_row;
    uint16_t* narrow;  // null or the output in bfloat16
    int64_t narrow_row;
};

struct GateTask {
    const float* gate;
    const float* up;
    int64_t in_row;
    int64_t width;
    StepActivation activation;
    float* wide;
    uint16_t* narrow;
    int64_t out_row;
};

// How a token is drawn from a line of logits.
struct DrawTask {
    double share;       // from 0 to below 1: where in the distribution, in the order of ids
    float temperature;  // the logits are divided by it
    float top_p;        // 1 for all
    float min_p;        // 0 for all
    int32_t top_k;      // 0 for all
    int32_t line;
};

constexpr int64_t broken_logits = -1;    // one is no number
constexpr int64_t nothing_allowed = -2;  // all are minus infinity

// Memory of a thread for one task, aligned to 64 bytes.
struct StepScratch;
void* step_scratch(StepScratch& scratch, size_t bytes);

// The kernels of one instruction set and one type of factors.
struct StepKernels {
    void (*linear)(const LinearTask&, int64_t panel, int64_t begin, int64_t end, StepScratch&);
    void (*heads)(const HeadsTask&, const StepRow&, const int32_t* positions, int64_t begin, int64_t end, StepScratch&);
    void (*attend)(const AttendTask&, const StepRow&, int64_t key_head, int64_t begin, int64_t end, StepScratch&);
    void (*normalize)(const NormalizeTask&, int64_t begin, int64_t end);
    void (*gate)(const GateTask&, int64_t begin, int64_t end);
    // For one line of numbers: the place of the largest, -1 where one is NaN; the logarithm of the sum of the exponentials.
    int64_t (*largest)(const float*, int64_t count);
    double (*log_sum_exp)(const float*, int64_t count);
    // A token, or one of the two faults.
    int64_t (*draw)(const float*, int64_t count, const DrawTask&, StepScratch&);
};

struct StepKernelSet {
    StepKernels wide, narrow;  // float32 and bfloat16 factors
};

StepKernelSet step_portable();
StepKernelSet step_avx2();
StepKernelSet step_avx512();
StepKernelSet step_avx512_bf16();

}  // namespace understudy
