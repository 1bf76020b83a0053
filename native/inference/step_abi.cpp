// The C ABI by which a step is put together and run. Whatever an instruction would read or write beyond its buffers is refused here.
#include "abi.h"
#include "inference/step_program.h"

using namespace understudy;
using namespace understudy::program;

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

void expect_rows(const Step& step, int32_t buffer, bool selected) {
    TORCH_CHECK(step.buffer(buffer).selected == selected, "buffer ", buffer, " has a row for every ", selected ? "token" : "selected token", ", expected one for every ",
                selected ? "selected token" : "token");
}

}  // namespace

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
        expect_rows(own, out, false);
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
        const bool selected = own.buffer(in).selected;
        if (wide >= 0) {
            expect(own, wide, false, width);
            expect_rows(own, wide, selected);
        }
        if (narrow >= 0) {
            expect(own, narrow, true, width);
            expect_rows(own, narrow, selected);
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
            TORCH_CHECK(target.width >= weight.panels.outputs && !(add != 0 && target.narrow), "buffer ", out, " cannot take ", weight.panels.outputs, " outputs");
            expect_rows(own, out, own.buffer(in).selected);
        } else {
            TORCH_CHECK(own.buffer(in).selected && add == 0, "the output of a step has a row for every selected token");
        }
        if (beside >= 0) {
            expect(own, beside, false, weight.panels.outputs);
            expect_rows(own, beside, own.buffer(in).selected);
        }
        own.add(Product{in, out, &weight, static_cast<StepActivation>(activation), add != 0, beside});
    });
}

// out = activation(in[gate_at ...]) x in[up_at ...].
UNDERSTUDY_API int32_t understudy_step_gate(void* step, int32_t in, int32_t out, int64_t gate_at, int64_t up_at, int64_t width, int32_t activation) {
    return status_of([&] {
        auto& own = *static_cast<Step*>(step);
        // Whole vectors are read.
        expect(own, in, false, std::max(gate_at, up_at) + round_up(width, 16));
        TORCH_CHECK(gate_at >= 0 && up_at >= 0 && width > 0 && own.buffer(out).width >= width, "buffer ", out, " cannot take a gate of ", width);
        expect_rows(own, out, own.buffer(in).selected);
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
        TORCH_CHECK(x.query_step >= 0 && x.key_step >= 0 && x.value_step >= 0, "expected heads that follow each other, found steps of ", x.query_step, ", ", x.key_step, " and ", x.value_step);
        const auto last = [&](int64_t at, int64_t heads, int64_t stride) { return at < 0 ? int64_t{0} : at + (heads - 1) * stride + x.dim; };
        expect(own, in, false, std::max({last(x.query_at, x.heads, x.query_step), last(x.key_at, x.key_heads, x.key_step), last(x.value_at, x.key_heads, x.value_step)}));
        expect_rows(own, in, false);
        Heads heads{in, query, {}, pages, vector_of(query_norm, "a query norm", x.dim), vector_of(key_norm, "a key norm", x.dim), {}, {}};
        if (x.query_at >= 0) {
            expect(own, query, own.narrow(), x.heads * x.dim);
            expect_rows(own, query, false);
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
        TORCH_CHECK(optional(cosine).has_value() == optional(sine).has_value(), "cosines and sines come together");
        if (optional(cosine).has_value()) {
            TORCH_CHECK(cosine->dim() == 2 && sine->device().is_cpu() && cosine->sizes() == sine->sizes() && cosine->size(1) % 2 == 0 && cosine->size(1) <= x.dim && cosine->device().is_cpu(), "expected cosines and sines [positions, rotated <= ", x.dim,
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
        expect_rows(own, query, false);
        expect(own, out, own.buffer(out).narrow, heads * dim);
        expect_rows(own, out, false);
        TORCH_CHECK(pages != nullptr && pages->narrow == own.narrow() && pages->key_heads == key_heads && pages->dim == dim && layer >= 0 && layer < pages->layers &&
                        heads > 0 && heads % key_heads == 0 && sees >= 0 && sees <= 2 && window >= 0,
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
        expect_rows(own, in, false);
        expect_rows(own, out, true);
        TORCH_CHECK(own.buffer(in).row_bytes() == own.buffer(out).row_bytes(), "buffer ", out, " cannot take rows of ", in);
        own.add(Select{in, out});
    });
}

// The mean of the tokens of each selected token's row, of length 1 where asked for; out -1: the step's output.
UNDERSTUDY_API int32_t understudy_step_mean(void* step, int32_t in, int32_t out, int64_t width, int32_t unit) {
    return status_of([&] {
        auto& own = *static_cast<Step*>(step);
        expect(own, in, false, width);
        expect_rows(own, in, false);
        TORCH_CHECK(width > 0, "expected a width, found ", width);
        if (out >= 0) {
            expect(own, out, false, width);
            expect_rows(own, out, true);
        }
        own.add(Mean{in, out, width, unit != 0});
    });
}

// Computes a step; output [at least selected tokens, at least outputs] float32, null where nothing is written. types: [tokens] where type_count is not 0.
UNDERSTUDY_API int32_t understudy_step_run(void* step, const int32_t* ids, const int32_t* positions, int32_t tokens, const int32_t* types, int32_t type_count, const StepRow* rows,
                                           int32_t row_count, const int32_t* selected, int32_t selected_count, Handle output) {
    return status_of([&] {
        const auto wanted = optional(output);
        TORCH_CHECK(!wanted.has_value() || (wanted->scalar_type() == at::kFloat && wanted->dim() == 2 && wanted->is_contiguous() && wanted->device().is_cpu() && wanted->size(0) >= selected_count),
                    "expected room for ", selected_count, " rows of output in float32, contiguous and on the CPU");
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
