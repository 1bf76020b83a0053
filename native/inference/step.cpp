#include "inference/step_program.h"

#include "profile.h"

#include <ATen/Parallel.h>
#include <omp.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

namespace understudy {

using namespace program;

namespace {

constexpr size_t second_level_cache = 1 << 18;  // the share of it that the rows of a product may take
constexpr int64_t attended_lines = 24;

void reach(Buffer& buffer, int64_t rows) {
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

}  // namespace

int32_t Step::add_buffer(int64_t width, bool narrow, bool selected) {
    TORCH_CHECK(width > 0, "expected a width, found ", width);
    buffers_.push_back({narrow, selected, round_up(width, row_step), nullptr, 0});
    return static_cast<int32_t>(buffers_.size()) - 1;
}

const Buffer& Step::buffer(int32_t id) const {
    TORCH_CHECK(id >= 0 && id < static_cast<int32_t>(buffers_.size()), "there is no buffer ", id);
    return buffers_[static_cast<size_t>(id)];
}

void Step::add(Instruction instruction) {
    if (const auto* product = std::get_if<Product>(&instruction)) {
        outputs_ = product->out < 0 ? std::max(outputs_, product->weight->panels.outputs) : outputs_;
    } else if (const auto* mean = std::get_if<Mean>(&instruction)) {
        outputs_ = mean->out < 0 ? std::max(outputs_, mean->width) : outputs_;
    } else if (const auto* heads = std::get_if<Heads>(&instruction)) {
        if (heads->task.key_at >= 0) {
            uses(heads->pages, heads->task.source);
            writes_source_ = writes_source_ || heads->task.source;
        }
    } else if (const auto* attend = std::get_if<Attend>(&instruction)) {
        uses(attend->pages, attend->task.sees == Sees::source);
    }
    instructions_.push_back(std::move(instruction));
    counters_ = std::vector<Counter>(instructions_.size());
}

// Every layer takes the same pages, so that they are looked at once.
void Step::uses(const Pages* pages, bool of_source) {
    for (const auto& known : caches_) {
        if (known.pages == pages && known.of_source == of_source) {
            return;
        }
    }
    caches_.push_back({pages, of_source});
}

void Step::run(const Batch& batch) {
    check(batch);
    for (auto& buffer : buffers_) {
        reach(buffer, buffer.selected ? batch.selected_count : batch.tokens);
    }
    // They wait for each other after every operation: more than there are processors would only stand in each other's way.
    threads_ = std::max(1, std::min(at::get_num_threads(), omp_get_num_procs()));
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

void Step::execute(const Embed& embed, const Batch& batch, Counter& counter, StepScratch&) const {
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

void Step::execute(const Normalize& norm, const Batch& batch, Counter& counter, StepScratch&) const {
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

void Step::execute(const Product& product, const Batch& batch, Counter& counter, StepScratch& scratch) const {
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
    // A row or two wait for the memory: panels that follow each other are read as one stream, and what is asked for ahead is not
    // another thread's.
    const auto together = rows <= 2 ? std::max<int64_t>(1, count / (2 * threads_)) : 1;
    share(counter, parts * count, together, [&](int64_t unit, int64_t last) {
        for (; unit < last; unit++) {
            const auto begin = unit / count * at_once;
            kernels_.linear(task, unit % count, begin, std::min(rows, begin + at_once), scratch);
        }
    });
}

void Step::execute(const Gate& gate, const Batch& batch, Counter& counter, StepScratch&) const {
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

void Step::execute(const Heads& heads, const Batch& batch, Counter& counter, StepScratch& scratch) const {
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

void Step::execute(const Attend& attend, const Batch& batch, Counter& counter, StepScratch& scratch) const {
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

void Step::execute(const Select& select, const Batch& batch, Counter& counter, StepScratch&) const {
    const Measured measured("selection", 0, 0);
    const auto bytes = buffers_[static_cast<size_t>(select.in)].row_bytes();
    share(counter, batch.selected_count, rows_at_once(batch.selected_count), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            std::memcpy(rows_of<uint8_t>(select.out) + static_cast<size_t>(i) * bytes, rows_of<uint8_t>(select.in) + static_cast<size_t>(batch.selected[i]) * bytes, bytes);
        }
    });
}

void Step::execute(const Mean& mean, const Batch& batch, Counter& counter, StepScratch&) const {
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

}  // namespace understudy
