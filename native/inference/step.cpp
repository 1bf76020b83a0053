// A step of inference: what a model computes for the new tokens of many rows, as a list of operations over buffers that is
// made once by the model and run in one call. A step of a small model has a hundred operations of a few microseconds each:
// called one by one, with a tensor for every result, the calls would cost more than the operations.
#include "inference/step.h"

#include "abi.h"
#include "inference/packed_matrix.h"
#include "inference/pages.h"
#include "kernels/isa.h"
#include "profile.h"

#include <ATen/Parallel.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <variant>
#include <vector>

namespace understudy {

// Grows to what the largest task took.
struct StepScratch {
    std::unique_ptr<void, void (*)(void*)> memory{nullptr, std::free};
    size_t bytes = 0;
};

void* step_scratch(StepScratch& scratch, size_t bytes) {
    if (scratch.bytes < bytes) {
        void* memory = nullptr;
        if (posix_memalign(&memory, 64, bytes) != 0) {
            throw std::bad_alloc();
        }
        scratch.memory.reset(memory);
        scratch.bytes = bytes;
    }
    return scratch.memory.get();
}

namespace {

constexpr size_t second_level_cache = 1 << 18;  // the share of it that the rows of a product may take
constexpr int64_t attended_lines = 24;

// What a caller gives for one step.
struct Batch {
    const int32_t* ids;        // [tokens]
    const int32_t* positions;  // [tokens]
    const int32_t* types;      // [tokens], or null for all 0
    const int32_t* selected;   // [selected_count]: tokens whose output is wanted
    const StepRow* rows;
    float* output;
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

// Queries [begin, end) of a row that are attended to at once.
struct Span {
    int32_t row, begin, end;
};

struct alignas(64) Counter {
    std::atomic<int64_t> next{0};
};

}  // namespace

class Step {
public:
    explicit Step(bool narrow) : narrow_(narrow) {
        const auto set = [] {
            switch (isa()) {
#if UNDERSTUDY_X86
                case Isa::avx512_bf16: return step_avx512_bf16();
                case Isa::avx512: return step_avx512();
                case Isa::avx2: return step_avx2();
#endif
                default: return step_portable();
            }
        }();
        kernels_ = narrow ? set.narrow : set.wide;
    }

    bool narrow() const { return narrow_; }
    const StepKernels& kernels() const { return kernels_; }

    int32_t add_buffer(int64_t width, bool narrow, bool selected) {
        TORCH_CHECK(width > 0, "expected a width, found ", width);
        buffers_.push_back({narrow, selected, round_up(width, row_step), nullptr, 0});
        return static_cast<int32_t>(buffers_.size()) - 1;
    }

    const Buffer& buffer(int32_t id) const {
        TORCH_CHECK(id >= 0 && id < static_cast<int32_t>(buffers_.size()), "there is no buffer ", id);
        return buffers_[static_cast<size_t>(id)];
    }

    void add(Instruction instruction) {
        instructions_.push_back(std::move(instruction));
        counters_ = std::vector<Counter>(instructions_.size());
    }

    void run(const Batch& batch) {
        check(batch);
        for (auto& buffer : buffers_) {
            reach(buffer, buffer.selected ? batch.selected_count : batch.tokens);
        }
        threads_ = std::max(1, at::get_num_threads());
        if (scratch_.size() < static_cast<size_t>(threads_)) {
            scratch_.resize(static_cast<size_t>(threads_));
        }
        spans_.clear();
        row_of_.resize(static_cast<size_t>(batch.tokens));
        for (int32_t row = 0; row < batch.row_count; row++) {
            const auto count = batch.rows[row].count;
            std::fill_n(row_of_.begin() + batch.rows[row].first, count, row);
            for (int32_t i = 0; i < count; i += static_cast<int32_t>(attended_lines)) {
                spans_.push_back({row, i, std::min(count, i + static_cast<int32_t>(attended_lines))});
            }
        }
        for (auto& counter : counters_) {
            counter.next.store(0, std::memory_order_relaxed);
        }
        std::atomic<bool> failed{false};
        const auto work = [&](int thread) {
            for (size_t i = 0; i < instructions_.size(); i++) {
                try {
                    std::visit([&](const auto& instruction) { execute(instruction, batch, counters_[i], scratch_[static_cast<size_t>(thread)]); },
                               instructions_[i]);
                } catch (const std::bad_alloc&) {
                    failed = true;
                }
#pragma omp barrier
            }
        };
#pragma omp parallel num_threads(threads_)
        work(omp_get_thread_num());
        if (failed) {
            throw std::bad_alloc();
        }
    }

private:
    static void reach(Buffer& buffer, int64_t rows) {
        if (buffer.capacity >= rows) {
            return;
        }
        // Half as much again: the rows of a queue grow by a few at a time. Zeros, for what stands behind a row's width is read.
        const auto capacity = std::max(rows, buffer.capacity + buffer.capacity / 2);
        const auto bytes = static_cast<size_t>(capacity) * buffer.row_bytes();
        buffer.memory.reset();
        buffer.capacity = 0;
        auto memory = std::shared_ptr<uint8_t>(static_cast<uint8_t*>(std::aligned_alloc(64, bytes)), std::free);
        if (memory == nullptr) {
            throw std::bad_alloc();
        }
        std::memset(memory.get(), 0, bytes);
        buffer.memory = std::move(memory);
        buffer.capacity = capacity;
    }

    void check(const Batch& batch) const {
        TORCH_CHECK(batch.tokens >= 0 && batch.row_count >= 0 && batch.selected_count >= 0, "expected counts of at least 0");
        int32_t next = 0;
        for (int32_t i = 0; i < batch.row_count; i++) {
            const auto& row = batch.rows[i];
            TORCH_CHECK(row.first == next && row.count > 0 && row.past >= 0 && row.source >= 0, "row ", i, " of a step begins at token ", row.first, " with ", row.count,
                        " tokens after ", row.past, "; expected it to begin at ", next, " with at least 1");
            next += row.count;
        }
        TORCH_CHECK(next == batch.tokens, "the rows of a step have ", next, " tokens, the step ", batch.tokens);
        for (int32_t i = 0; i < batch.selected_count; i++) {
            TORCH_CHECK(batch.selected[i] >= 0 && batch.selected[i] < batch.tokens, "selected token ", batch.selected[i], " is none of ", batch.tokens);
        }
        for (const auto& instruction : instructions_) {
            if (const auto* embed = std::get_if<Embed>(&instruction)) {
                const auto* numbers = numbers_of(batch, embed->source);
                if (numbers == nullptr) {
                    continue;
                }
                const auto* name = embed->source == Source::ids ? "token " : embed->source == Source::types ? "token type " : "position ";
                const auto rows = embed->table.size(0);
                for (int32_t i = 0; i < batch.tokens; i++) {
                    TORCH_CHECK(numbers[i] + embed->offset >= 0 && numbers[i] + embed->offset < rows, name, numbers[i], " is out of range: the table has ", rows, " rows");
                }
            } else if (const auto* heads = std::get_if<Heads>(&instruction)) {
                check_pages(batch, *heads);
            } else if (const auto* attend = std::get_if<Attend>(&instruction)) {
                if (attend->bias.defined()) {
                    for (int32_t i = 0; i < batch.row_count; i++) {
                        const auto& row = batch.rows[i];
                        TORCH_CHECK(row.tree == nullptr && int64_t{row.past} + row.count <= attend->task.bias_origin, "row ", i, " has ", row.past + row.count,
                                    " tokens, or a tree; there are biases for distances below ", attend->task.bias_origin);
                    }
                }
                if (attend->task.sees != Sees::source) {
                    continue;
                }
                for (int32_t i = 0; i < batch.row_count; i++) {
                    check_pages(batch.rows[i].source_pages, batch.rows[i].source, *attend->pages);
                }
            }
        }
    }

    // What a table is looked up by; null where every token takes the same row.
    static const int32_t* numbers_of(const Batch& batch, Source source) {
        switch (source) {
            case Source::ids: return batch.ids;
            case Source::positions: return batch.positions;
            case Source::types: return batch.types;
            default: return nullptr;
        }
    }

    static void check_pages(const int32_t* pages, int64_t tokens, const Pages& store) {
        for (int64_t p = 0; p * page_tokens < tokens; p++) {
            TORCH_CHECK(pages[p] >= 0 && pages[p] < store.reserved, "page ", pages[p], " is none of ", store.reserved);
        }
    }

    static void check_pages(const Batch& batch, const Heads& heads) {
        if (heads.task.cosine != nullptr) {
            for (int32_t i = 0; i < batch.tokens; i++) {
                TORCH_CHECK(batch.positions[i] >= 0 && batch.positions[i] < heads.cosine.size(0), "position ", batch.positions[i], " is none of ", heads.cosine.size(0));
            }
        }
        // Every layer writes to the same pages.
        if (heads.task.key_at < 0 || heads.task.layer != 0) {
            return;
        }
        for (int32_t i = 0; i < batch.row_count; i++) {
            const auto& row = batch.rows[i];
            const auto tokens = int64_t{row.past} + row.count;
            TORCH_CHECK(!heads.task.source || tokens <= row.source, "row ", i, " has ", tokens, " tokens for a source of ", row.source);
            check_pages(heads.task.source ? row.source_pages : row.pages, tokens, *heads.pages);
        }
    }

    // each(begin, end) for parts of [0, count) until all are done.
    template <class Each>
    void share(Counter& counter, int64_t count, int64_t at_once, Each&& each) const {
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

    int64_t count_of(int32_t id, const Batch& batch) const {
        return buffers_[static_cast<size_t>(id)].selected ? batch.selected_count : batch.tokens;
    }

    void execute(const Embed& embed, const Batch& batch, Counter& counter, StepScratch&) const {
        const Measured measured("embedding", 0, 0);
        const auto width = embed.table.size(1);
        const bool narrow = embed.table.scalar_type() == at::kBFloat16;
        const auto* numbers = numbers_of(batch, embed.source);
        share(counter, batch.tokens, rows_at_once(batch.tokens), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++) {
                const auto row = embed.offset + (numbers == nullptr ? 0 : numbers[i]);
                auto* out = rows_of<float>(embed.out) + i * width_of(embed.out);
                const auto* wide = narrow ? nullptr : embed.table.data_ptr<float>() + row * width;
                const auto* half = narrow ? embed.table.data_ptr<at::BFloat16>() + row * width : nullptr;
                for (int64_t c = 0; c < width; c++) {
                    const float x = (narrow ? static_cast<float>(half[c]) : wide[c]) * embed.scale;
                    out[c] = embed.add ? out[c] + x : x;
                }
            }
        });
    }

    void execute(const Normalize& norm, const Batch& batch, Counter& counter, StepScratch&) const {
        const Measured measured("norm", 0, 0);
        NormalizeTask task{};
        task.in = rows_of<float>(norm.in);
        task.in_row = width_of(norm.in);
        task.width = norm.weight.size(0);
        task.weight = norm.weight.data_ptr<float>();
        task.bias = norm.bias.defined() ? norm.bias.data_ptr<float>() : nullptr;
        task.eps = norm.eps;
        task.root_mean_square = norm.root_mean_square;
        task.wide = rows_of<float>(norm.wide);
        task.wide_row = width_of(norm.wide);
        task.narrow = rows_of<uint16_t>(norm.narrow);
        task.narrow_row = width_of(norm.narrow);
        const auto rows = count_of(norm.in, batch);
        share(counter, rows, rows_at_once(rows), [&](int64_t begin, int64_t end) { kernels_.normalize(task, begin, end); });
    }

    void execute(const Product& product, const Batch& batch, Counter& counter, StepScratch& scratch) const {
        const auto& panels = product.weight->panels;
        const auto rows = count_of(product.in, batch);
        const Measured measured(narrow_ ? "packed product, bfloat16" : "packed product, float32", 2.0 * rows * panels.inputs * panels.outputs, 0);
        LinearTask task{};
        task.in = rows_of<void>(product.in);
        task.in_row = width_of(product.in);
        task.weight = &panels;
        task.activation = product.activation;
        task.add = product.add;
        task.beside = rows_of<float>(product.beside);
        task.beside_row = width_of(product.beside);
        if (product.out < 0) {
            task.out = batch.output;
            task.out_row = batch.output_row;
        } else {
            task.out = rows_of<void>(product.out);
            task.out_row = width_of(product.out);
            task.out_narrow = buffers_[static_cast<size_t>(product.out)].narrow;
            task.whole_rows = true;
        }
        const auto count = (panels.outputs + panel_columns - 1) / panel_columns;
        // The rows of a part stay in the second-level cache while the panels pass by.
        const auto row_bytes = panels.inputs * (narrow_ ? 2 : 4);
        auto at_once = std::max<int64_t>(6, static_cast<int64_t>(second_level_cache) / row_bytes / 6 * 6);
        at_once = std::min(at_once, rows);
        while (at_once > 24 && (rows + at_once - 1) / at_once * count < 4 * threads_) {
            at_once = round_up(at_once / 2, 6);
        }
        const auto parts = at_once == 0 ? 0 : (rows + at_once - 1) / at_once;
        share(counter, parts * count, 1, [&](int64_t unit, int64_t) {
            const auto begin = unit / count * at_once;
            kernels_.linear(task, unit % count, begin, std::min(rows, begin + at_once), scratch);
        });
    }

    void execute(const Gate& gate, const Batch& batch, Counter& counter, StepScratch&) const {
        const Measured measured("gate", 0, 0);
        GateTask task{};
        task.gate = rows_of<float>(gate.in) + gate.gate_at;
        task.up = rows_of<float>(gate.in) + gate.up_at;
        task.in_row = width_of(gate.in);
        task.width = gate.width;
        task.activation = gate.activation;
        task.wide = buffers_[static_cast<size_t>(gate.out)].narrow ? nullptr : rows_of<float>(gate.out);
        task.narrow = buffers_[static_cast<size_t>(gate.out)].narrow ? rows_of<uint16_t>(gate.out) : nullptr;
        task.out_row = width_of(gate.out);
        const auto rows = count_of(gate.in, batch);
        share(counter, rows, rows_at_once(rows), [&](int64_t begin, int64_t end) { kernels_.gate(task, begin, end); });
    }

    void execute(const Heads& heads, const Batch& batch, Counter& counter, StepScratch& scratch) const {
        const Measured measured("heads into the cache", 0, 0);
        auto task = heads.task;
        task.in = rows_of<float>(heads.in);
        task.in_row = width_of(heads.in);
        task.query = rows_of<void>(heads.query);
        task.query_row = width_of(heads.query);
        if (heads.pages != nullptr) {
            task.store = heads.pages->store;
        }
        share(counter, batch.tokens, std::min<int64_t>(64, rows_at_once(batch.tokens)), [&](int64_t begin, int64_t end) {
            while (begin < end) {
                const auto& row = batch.rows[row_of_[static_cast<size_t>(begin)]];
                const auto to = std::min<int64_t>(end, row.first + row.count);
                kernels_.heads(task, row, batch.positions, begin - row.first, to - row.first, scratch);
                begin = to;
            }
        });
    }

    void execute(const Attend& attend, const Batch& batch, Counter& counter, StepScratch& scratch) const {
        const Measured measured("attention over pages", 0, 0);
        auto task = attend.task;
        const auto& out = buffers_[static_cast<size_t>(attend.out)];
        task.query = rows_of<void>(attend.query);
        task.query_row = width_of(attend.query);
        task.store = attend.pages->store;
        task.positions = batch.positions;
        task.out = out.narrow ? nullptr : rows_of<float>(attend.out);
        task.narrow = out.narrow ? rows_of<uint16_t>(attend.out) : nullptr;
        task.out_row = out.width;
        const auto units = static_cast<int64_t>(spans_.size()) * task.key_heads;
        share(counter, units, units > 64 * threads_ ? 4 : 1, [&](int64_t begin, int64_t end) {
            for (; begin < end; begin++) {
                const auto& span = spans_[static_cast<size_t>(begin / task.key_heads)];
                kernels_.attend(task, batch.rows[span.row], begin % task.key_heads, span.begin, span.end, scratch);
            }
        });
    }

    void execute(const Select& select, const Batch& batch, Counter& counter, StepScratch&) const {
        const Measured measured("selection", 0, 0);
        const auto bytes = buffers_[static_cast<size_t>(select.in)].row_bytes();
        share(counter, batch.selected_count, rows_at_once(batch.selected_count), [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++) {
                std::memcpy(rows_of<uint8_t>(select.out) + static_cast<size_t>(i) * bytes, rows_of<uint8_t>(select.in) + static_cast<size_t>(batch.selected[i]) * bytes, bytes);
            }
        });
    }

    void execute(const Mean& mean, const Batch& batch, Counter& counter, StepScratch&) const {
        const Measured measured("mean of rows", 0, 0);
        const auto in_row = width_of(mean.in);
        auto* to = mean.out < 0 ? batch.output : rows_of<float>(mean.out);
        const auto out_row = mean.out < 0 ? batch.output_row : width_of(mean.out);
        share(counter, batch.selected_count, rows_at_once(batch.selected_count), [&](int64_t begin, int64_t end) {
            for (; begin < end; begin++) {
                const auto& row = batch.rows[row_of_[static_cast<size_t>(batch.selected[begin])]];
                auto* out = to + begin * out_row;
                std::fill_n(out, mean.width, 0.0f);
                for (int64_t i = 0; i < row.count; i++) {
                    const auto* in = rows_of<float>(mean.in) + (row.first + i) * in_row;
                    for (int64_t c = 0; c < mean.width; c++) {
                        out[c] += in[c];
                    }
                }
                double squares = 0;
                for (int64_t c = 0; c < mean.width; c++) {
                    out[c] /= static_cast<float>(row.count);
                    squares += double{out[c]} * out[c];
                }
                if (mean.unit) {
                    const auto factor = static_cast<float>(1 / std::max(std::sqrt(squares), 1e-12));
                    for (int64_t c = 0; c < mean.width; c++) {
                        out[c] *= factor;
                    }
                }
            }
        });
    }

    bool narrow_;
    StepKernels kernels_;
    std::vector<Buffer> buffers_;
    std::vector<Instruction> instructions_;
    std::vector<Counter> counters_;
    std::vector<StepScratch> scratch_;
    std::vector<Span> spans_;
    std::vector<int32_t> row_of_;
    int threads_ = 1;
};

namespace {

at::Tensor vector_of(ConstHandle given, const char* name, int64_t count) {
    const auto found = optional(given);
    if (!found.has_value()) {
        return {};
    }
    TORCH_CHECK(found->dim() == 1 && found->size(0) == count && found->device().is_cpu() && found->is_floating_point(), "expected ", name, " of ", count,
                " numbers on the CPU, found ", found->scalar_type(), " ", found->sizes());
    return found->detach().to(at::kFloat).contiguous();
}

const float* data_of(const at::Tensor& x) { return x.defined() ? x.data_ptr<float>() : nullptr; }

void expect(const Step& step, int32_t buffer, bool narrow, int64_t width) {
    const auto& found = step.buffer(buffer);
    TORCH_CHECK(found.narrow == narrow && found.width >= width, "buffer ", buffer, " is ", found.narrow ? "bfloat16" : "float32", " of width ", found.width,
                ", expected ", narrow ? "bfloat16" : "float32", " of at least ", width);
}

}  // namespace

}  // namespace understudy

using namespace understudy;

// What a model's heads look like; see HeadsTask. Mirrors Understudy.Torch.HeadLayout.
struct NativeHeads {
    int64_t heads, key_heads, dim;
    int64_t query_at, query_step, key_at, key_step, value_at, value_step;
    int64_t layer;
    double eps;
    double query_scale;
    int32_t source;
};

// A step without operations; its products take float32 numbers, or bfloat16 where narrow. To be freed with
// understudy_step_free. What it is given by pointer (matrices, caches) must outlive it.
UNDERSTUDY_API void* understudy_step_new(int32_t narrow) {
    Step* step = nullptr;
    const auto status = status_of([&] { step = new Step(narrow != 0); });
    return status == 0 ? step : nullptr;
}

UNDERSTUDY_API void understudy_step_free(void* step) { delete static_cast<Step*>(step); }

// A buffer with a row for every token, or for every selected one. Returns its number, -1 on failure.
UNDERSTUDY_API int32_t understudy_step_buffer(void* step, int64_t width, int32_t narrow, int32_t selected) {
    int32_t id = -1;
    status_of([&] { id = static_cast<Step*>(step)->add_buffer(width, narrow != 0, selected != 0); });
    return id;
}

// out (+)= scale x rows of the table: of the tokens' ids (source 0), positions (1) or types (3) + offset, or row `offset` for all (2).
UNDERSTUDY_API int32_t understudy_step_embed(void* step, int32_t out, ConstHandle table, int32_t source, int64_t offset, double scale, int32_t add) {
    return status_of([&] {
        auto& own = *static_cast<Step*>(step);
        auto rows = table->detach();
        TORCH_CHECK(rows.dim() == 2 && rows.device().is_cpu() && rows.is_floating_point(), "expected a table of numbers on the CPU, found ", rows.scalar_type(), " ", rows.sizes());
        if (rows.scalar_type() != at::kFloat && rows.scalar_type() != at::kBFloat16) {
            rows = rows.to(at::kFloat);
        }
        expect(own, out, false, rows.size(1));
        TORCH_CHECK(source >= 0 && source <= 3 && (source < 2 || (offset >= 0 && offset < rows.size(0))), "the table has no row ", offset);
        own.add(Embed{out, rows.contiguous(), static_cast<Source>(source), offset, static_cast<float>(scale), add != 0});
    });
}

// Layer norm, or without bias root mean square norm where asked for. wide and narrow: buffers, -1 for none.
UNDERSTUDY_API int32_t understudy_step_normalize(void* step, int32_t in, int32_t wide, int32_t narrow, ConstHandle weight, ConstHandle bias, double eps,
                                                 int32_t root_mean_square) {
    return status_of([&] {
        auto& own = *static_cast<Step*>(step);
        const auto width = weight->numel();
        expect(own, in, false, width);
        if (wide >= 0) {
            expect(own, wide, false, width);
        }
        if (narrow >= 0) {
            expect(own, narrow, true, width);
        }
        own.add(Normalize{in, wide, narrow, vector_of(weight, "a weight", width), vector_of(bias, "a bias", width), static_cast<float>(eps), root_mean_square != 0});
    });
}

// out (-1: the step's output) = activation(in W^T + bias + beside), or += that. beside: a float32 buffer, -1 for none.
UNDERSTUDY_API int32_t understudy_step_linear(void* step, int32_t in, int32_t out, const void* matrix, int32_t activation, int32_t add, int32_t beside) {
    return status_of([&] {
        auto& own = *static_cast<Step*>(step);
        const auto& weight = *static_cast<const PackedMatrix*>(matrix);
        expect(own, in, own.narrow(), weight.panels.inputs);
        TORCH_CHECK(weight.panels.format == PanelFormat::int8 || weight.panels.format == PanelFormat::nf4 || (weight.panels.format == PanelFormat::bfloat16) == own.narrow(),
                    "a step in ", own.narrow() ? "bfloat16" : "float32", " cannot multiply with a matrix packed for the other type");
        if (out >= 0) {
            const auto& target = own.buffer(out);
            TORCH_CHECK(target.width >= weight.panels.outputs && !(add != 0 && target.narrow) && target.selected == own.buffer(in).selected, "buffer ", out,
                        " cannot take ", weight.panels.outputs, " outputs");
        } else {
            TORCH_CHECK(own.buffer(in).selected && add == 0, "the output of a step has a row for every selected token");
        }
        if (beside >= 0) {
            expect(own, beside, false, weight.panels.outputs);
            TORCH_CHECK(own.buffer(beside).selected == own.buffer(in).selected, "buffer ", beside, " has other rows than buffer ", in);
        }
        own.add(Product{in, out, &weight, static_cast<StepActivation>(activation), add != 0, beside});
    });
}

// out = activation(in[gate_at ...]) x in[up_at ...].
UNDERSTUDY_API int32_t understudy_step_gate(void* step, int32_t in, int32_t out, int64_t gate_at, int64_t up_at, int64_t width, int32_t activation) {
    return status_of([&] {
        auto& own = *static_cast<Step*>(step);
        expect(own, in, false, std::max(gate_at, up_at) + width);
        TORCH_CHECK(gate_at >= 0 && up_at >= 0 && own.buffer(out).width >= width && own.buffer(out).selected == own.buffer(in).selected, "buffer ", out, " cannot take a gate of ", width);
        own.add(Gate{in, out, gate_at, up_at, width, static_cast<StepActivation>(activation)});
    });
}

UNDERSTUDY_API int32_t understudy_step_heads(void* step, int32_t in, int32_t query, const NativeHeads* layout, ConstHandle query_norm, ConstHandle key_norm,
                                             ConstHandle cosine, ConstHandle sine, const void* cache) {
    return status_of([&] {
        auto& own = *static_cast<Step*>(step);
        const auto& x = *layout;
        const auto* pages = static_cast<const Pages*>(cache);
        TORCH_CHECK(x.heads > 0 && x.key_heads > 0 && x.dim > 0 && x.heads % x.key_heads == 0, "expected heads that are a multiple of key heads, found ", x.heads, " and ", x.key_heads);
        const auto last = [&](int64_t at, int64_t heads, int64_t stride) { return at < 0 ? int64_t{0} : at + (heads - 1) * stride + x.dim; };
        expect(own, in, false, std::max({last(x.query_at, x.heads, x.query_step), last(x.key_at, x.key_heads, x.key_step), last(x.value_at, x.key_heads, x.value_step)}));
        Heads heads{in, query, {}, pages, vector_of(query_norm, "a query norm", x.dim), vector_of(key_norm, "a key norm", x.dim), {}, {}};
        if (x.query_at >= 0) {
            expect(own, query, own.narrow(), x.heads * x.dim);
        }
        TORCH_CHECK((x.key_at < 0) == (x.value_at < 0), "keys and values come together");
        if (x.key_at >= 0) {
            TORCH_CHECK(pages != nullptr && pages->narrow == own.narrow() && pages->key_heads == x.key_heads && pages->dim == x.dim && x.layer >= 0 && x.layer < pages->layers,
                        "the cache is not made for ", x.key_heads, " heads of ", x.dim, " numbers in layer ", x.layer);
        }
        auto& task = heads.task;
        task.heads = x.heads;
        task.key_heads = x.key_heads;
        task.dim = x.dim;
        task.query_at = x.query_at;
        task.query_step = x.query_step;
        task.key_at = x.key_at;
        task.key_step = x.key_step;
        task.value_at = x.value_at;
        task.value_step = x.value_step;
        task.layer = x.layer;
        task.eps = static_cast<float>(x.eps);
        task.query_scale = static_cast<float>(x.query_scale);
        task.source = x.source != 0;
        if (optional(cosine).has_value()) {
            TORCH_CHECK(cosine->dim() == 2 && cosine->sizes() == sine->sizes() && cosine->size(1) % 2 == 0 && cosine->size(1) <= x.dim && cosine->device().is_cpu(), "expected cosines and sines [positions, rotated <= ", x.dim,
                        "], found ", cosine->sizes(), " and ", sine->sizes());
            heads.cosine = cosine->detach().to(at::kFloat).contiguous();
            heads.sine = sine->detach().to(at::kFloat).contiguous();
            task.rotated = heads.cosine.size(1);
        }
        task.query_norm = data_of(heads.query_norm);
        task.key_norm = data_of(heads.key_norm);
        task.cosine = data_of(heads.cosine);
        task.sine = data_of(heads.sine);
        own.add(std::move(heads));
    });
}

// sees: 0 a token and those before it, 1 all of its row, 2 all of its source. window: 0 for none. bias: [heads, 2 x distances + 1]
// for a key that many places behind the query or before it, or null.
UNDERSTUDY_API int32_t understudy_step_attend(void* step, int32_t query, int32_t out, int64_t heads, int64_t key_heads, int64_t dim, const void* cache, int64_t layer,
                                              int32_t sees, int64_t window, double scale, ConstHandle bias) {
    return status_of([&] {
        auto& own = *static_cast<Step*>(step);
        const auto* pages = static_cast<const Pages*>(cache);
        expect(own, query, own.narrow(), heads * dim);
        TORCH_CHECK(own.buffer(out).width >= heads * dim && pages != nullptr && pages->narrow == own.narrow() && pages->key_heads == key_heads && pages->dim == dim && layer >= 0 &&
                        layer < pages->layers && heads % key_heads == 0 && sees >= 0 && sees <= 2 && window >= 0,
                    "the cache is not made for ", key_heads, " heads of ", dim, " numbers in layer ", layer);
        Attend attend{query, out, {}, pages, {}};
        attend.task.heads = heads;
        attend.task.key_heads = key_heads;
        attend.task.dim = dim;
        attend.task.layer = layer;
        attend.task.sees = static_cast<Sees>(sees);
        attend.task.window = window;
        attend.task.scale = static_cast<float>(scale);
        if (const auto given = optional(bias)) {
            TORCH_CHECK(given->dim() == 2 && given->size(0) == heads && given->size(1) % 2 == 1 && given->device().is_cpu() && given->is_floating_point() && sees != 2,
                        "expected biases [", heads, ", 2 x distances + 1] between tokens of a row, found ", given->sizes());
            // Whole vectors are read at the last key of a page.
            attend.bias = at::constant_pad_nd(given->detach().to(at::kFloat), {0, page_tokens}).contiguous();
            attend.task.bias = attend.bias.data_ptr<float>();
            attend.task.bias_row = attend.bias.size(1);
            attend.task.bias_origin = given->size(1) / 2;
        }
        own.add(std::move(attend));
    });
}

// The rows of the selected tokens.
UNDERSTUDY_API int32_t understudy_step_select(void* step, int32_t in, int32_t out) {
    return status_of([&] {
        auto& own = *static_cast<Step*>(step);
        TORCH_CHECK(!own.buffer(in).selected && own.buffer(out).selected && own.buffer(in).row_bytes() == own.buffer(out).row_bytes(), "buffer ", out, " cannot take rows of ", in);
        own.add(Select{in, out});
    });
}

// The mean of the tokens of each selected token's row, of length 1 where asked for; out -1: the step's output.
UNDERSTUDY_API int32_t understudy_step_mean(void* step, int32_t in, int32_t out, int64_t width, int32_t unit) {
    return status_of([&] {
        auto& own = *static_cast<Step*>(step);
        expect(own, in, false, width);
        TORCH_CHECK(!own.buffer(in).selected && (out < 0 || own.buffer(out).selected), "a mean is of all tokens, for the selected ones");
        if (out >= 0) {
            expect(own, out, false, width);
        }
        own.add(Mean{in, out, width, unit != 0});
    });
}

// Computes a step; output [selected tokens, outputs] float32. types: [tokens] where type_count is not 0.
UNDERSTUDY_API int32_t understudy_step_run(void* step, const int32_t* ids, const int32_t* positions, int32_t tokens, const int32_t* types, int32_t type_count, const StepRow* rows,
                                           int32_t row_count, const int32_t* selected, int32_t selected_count, Handle output) {
    return status_of([&] {
        const auto wanted = optional(output);
        TORCH_CHECK(!wanted.has_value() || (wanted->scalar_type() == at::kFloat && wanted->dim() == 2 && wanted->is_contiguous() && wanted->size(0) >= selected_count),
                    "expected room for ", selected_count, " rows of output");
        Batch batch{};
        batch.ids = ids;
        batch.positions = positions;
        TORCH_CHECK(type_count == 0 || type_count == tokens, "expected a type for each of ", tokens, " tokens, found ", type_count);
        batch.types = type_count == 0 ? nullptr : types;
        batch.tokens = tokens;
        batch.rows = rows;
        batch.row_count = row_count;
        batch.selected = selected;
        batch.selected_count = selected_count;
        if (wanted.has_value()) {
            batch.output = wanted->data_ptr<float>();
            batch.output_row = wanted->size(1);
        }
        static_cast<Step*>(step)->run(batch);
    });
}

// The largest of each line of logits [lines, vocabulary] float32, -1 where one is NaN, -2 where all are minus infinity.
UNDERSTUDY_API int32_t understudy_argmax_lines(ConstHandle logits, int32_t lines, int32_t* tokens) {
    return status_of([&] {
        TORCH_CHECK(logits->scalar_type() == at::kFloat && logits->dim() == 2 && logits->is_contiguous() && lines <= logits->size(0), "expected lines of float32");
        const Step step(false);
        const auto count = logits->size(1);
        const auto* numbers = logits->data_ptr<float>();
        at::parallel_for(0, lines, 4, [&](int64_t begin, int64_t end) {
            for (; begin < end; begin++) {
                const auto place = step.kernels().largest(numbers + begin * count, count);
                tokens[begin] = static_cast<int32_t>(place >= 0 && std::isinf(numbers[begin * count + place]) && numbers[begin * count + place] < 0 ? nothing_allowed : place);
            }
        });
    });
}

// The logarithm of the sum of the exponentials of each line; NaN or infinite where a logit is.
UNDERSTUDY_API int32_t understudy_log_sum_exp_lines(ConstHandle logits, int32_t lines, double* sums) {
    return status_of([&] {
        TORCH_CHECK(logits->scalar_type() == at::kFloat && logits->dim() == 2 && logits->is_contiguous() && lines <= logits->size(0), "expected lines of float32");
        const Step step(false);
        const auto count = logits->size(1);
        const auto* numbers = logits->data_ptr<float>();
        at::parallel_for(0, lines, 4, [&](int64_t begin, int64_t end) {
            for (; begin < end; begin++) {
                sums[begin] = step.kernels().log_sum_exp(numbers + begin * count, count);
            }
        });
    });
}

// A token for each task; -1 for a line with a NaN, -2 for one that allows nothing.
UNDERSTUDY_API int32_t understudy_draw_lines(ConstHandle logits, const DrawTask* tasks, int32_t count, int32_t* tokens) {
    return status_of([&] {
        const auto vocabulary = logits->size(1);
        TORCH_CHECK(logits->scalar_type() == at::kFloat && logits->dim() == 2 && logits->is_contiguous(), "expected lines of float32");
        for (int32_t i = 0; i < count; i++) {
            TORCH_CHECK(tasks[i].line >= 0 && tasks[i].line < logits->size(0) && tasks[i].temperature > 0, "there is no line ", tasks[i].line, ", or the temperature ", tasks[i].temperature, " is not above 0");
        }
        const Step step(false);
        const auto* numbers = logits->data_ptr<float>();
        at::parallel_for(0, count, 2, [&](int64_t begin, int64_t end) {
            thread_local StepScratch scratch;
            for (; begin < end; begin++) {
                tokens[begin] = static_cast<int32_t>(step.kernels().draw(numbers + tasks[begin].line * vocabulary, vocabulary, tasks[begin], scratch));
            }
        });
    });
}
