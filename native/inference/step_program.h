// A step of inference: what a model computes for the new tokens of many rows, as a list of operations over buffers that is
// made once by the model and run in one call. A step of a small model has a hundred operations of a few microseconds each:
// called one by one, with a tensor for every result, the calls would cost more than the operations.
#pragma once

#include "inference/packed_matrix.h"
#include "inference/pages.h"
#include "inference/step_kernels.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <variant>
#include <vector>

namespace understudy {

namespace program {

// What a caller gives for one step.
struct Batch {
    const int32_t* ids;        // [tokens]
    const int32_t* positions;  // [tokens]
    const int32_t* types;      // [tokens], or null for all 0
    const int32_t* selected;   // [selected_count]: tokens whose output is wanted
    const StepRow* rows;
    float* output;  // [selected_count, output_row], or null
    int64_t output_row;
    int32_t tokens;
    int32_t row_count;
    int32_t selected_count;
};

enum class Source : int32_t { ids = 0, positions = 1, fixed = 2, types = 3 };

struct Buffer {
    bool narrow;
    bool selected;  // one row for every selected token
    int64_t width;  // rounded up
    std::shared_ptr<uint8_t> memory;
    int64_t capacity = 0;

    size_t row_bytes() const { return static_cast<size_t>(width) * (narrow ? 2 : 4); }
};

struct Embed {
    int32_t out;
    at::Tensor table;
    Source source;
    int64_t offset;
    float scale;
    bool add;
};

struct Normalize {
    int32_t in, wide, narrow;
    at::Tensor weight, bias;
    float eps;
    bool root_mean_square;
};

struct Product {
    int32_t in, out;  // out -1: the step's output
    const PackedMatrix* weight;
    StepActivation activation;
    bool add;
    int32_t beside;  // -1 for none
};

struct Gate {
    int32_t in, out;
    int64_t gate_at, up_at, width;
    StepActivation activation;
};

struct Heads {
    int32_t in, query;
    HeadsTask task;
    const Pages* pages;
    at::Tensor query_norm, key_norm, cosine, sine;
};

struct Attend {
    int32_t query, out;
    AttendTask task;
    const Pages* pages;
    at::Tensor bias;
};

struct Select {
    int32_t in, out;
};

// For every selected token the mean of its row's tokens.
struct Mean {
    int32_t in, out;  // out -1: the step's output
    int64_t width;
    bool unit;  // scaled to length 1
};

using Instruction = std::variant<Embed, Normalize, Product, Gate, Heads, Attend, Select, Mean>;

// A cache that a step reads or writes, by the pages of its rows or by those of their sources.
struct PagesInUse {
    const Pages* pages;
    bool of_source;
};

// Queries [begin, end) of a row that are attended to at once.
struct Span {
    int32_t row, begin, end;
};

struct alignas(64) Counter {
    std::atomic<int64_t> next{0};
};

// What a table is looked up by; null where every token takes the same row.
inline const int32_t* numbers_of(const Batch& batch, Source source) {
    switch (source) {
        case Source::ids: return batch.ids;
        case Source::positions: return batch.positions;
        case Source::types: return batch.types;
        default: return nullptr;
    }
}

}  // namespace program

class Step {
public:
    explicit Step(bool narrow) : narrow_(narrow), kernels_(step_kernels(narrow)) {}

    bool narrow() const { return narrow_; }

    int32_t add_buffer(int64_t width, bool narrow, bool selected);
    const program::Buffer& buffer(int32_t id) const;

    // Buffers, matrices and caches of an instruction are expected to fit: nothing looks at them again.
    void add(program::Instruction instruction);

    // Refuses before anything is read or written.
    void run(const program::Batch& batch);

private:
    void uses(const Pages* pages, bool of_source);
    void check(const program::Batch& batch) const;

    void execute(const program::Embed& embed, const program::Batch& batch, program::Counter& counter, StepScratch& scratch) const;
    void execute(const program::Normalize& norm, const program::Batch& batch, program::Counter& counter, StepScratch& scratch) const;
    void execute(const program::Product& product, const program::Batch& batch, program::Counter& counter, StepScratch& scratch) const;
    void execute(const program::Gate& gate, const program::Batch& batch, program::Counter& counter, StepScratch& scratch) const;
    void execute(const program::Heads& heads, const program::Batch& batch, program::Counter& counter, StepScratch& scratch) const;
    void execute(const program::Attend& attend, const program::Batch& batch, program::Counter& counter, StepScratch& scratch) const;
    void execute(const program::Select& select, const program::Batch& batch, program::Counter& counter, StepScratch& scratch) const;
    void execute(const program::Mean& mean, const program::Batch& batch, program::Counter& counter, StepScratch& scratch) const;

    // each(begin, end) for parts of [0, count) until all are done.
    template <class Each>
    void share(program::Counter& counter, int64_t count, int64_t at_once, Each&& each) const {
        for (;;) {
            const auto begin = counter.next.fetch_add(at_once, std::memory_order_relaxed);
            if (begin >= count) {
                return;
            }
            each(begin, std::min(count, begin + at_once));
        }
    }

    int64_t rows_at_once(int64_t rows) const { return std::max<int64_t>(1, rows / (threads_ * 4)); }

    template <class T>
    T* rows_of(int32_t id) const {
        return id < 0 ? nullptr : reinterpret_cast<T*>(buffers_[static_cast<size_t>(id)].memory.get());
    }

    int64_t width_of(int32_t id) const { return id < 0 ? 0 : buffers_[static_cast<size_t>(id)].width; }

    int64_t count_of(int32_t id, const program::Batch& batch) const {
        return buffers_[static_cast<size_t>(id)].selected ? batch.selected_count : batch.tokens;
    }

    bool narrow_;
    StepKernels kernels_;
    std::vector<program::Buffer> buffers_;
    std::vector<program::Instruction> instructions_;
    std::vector<program::Counter> counters_;
    std::vector<program::PagesInUse> caches_;
    int64_t outputs_ = 0;        // numbers that a selected token's output has; 0 for no output
    bool writes_source_ = false;  // whether tokens become keys of their row's source
    std::vector<StepScratch> scratch_;
    std::vector<program::Span> spans_;
    std::vector<int32_t> row_of_;
    int threads_ = 1;
};

}  // namespace understudy
