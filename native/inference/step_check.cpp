// What a step is asked for must be there: its kernels look at nothing.
#include "inference/step_program.h"

namespace understudy {

using namespace program;

namespace {

void check_rows(const Batch& batch) {
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
}

void check_pages(const Batch& batch, const PagesInUse& cache) {
    const auto reserved = cache.pages->reserved;
    for (int32_t i = 0; i < batch.row_count; i++) {
        const auto& row = batch.rows[i];
        const auto* pages = cache.of_source ? row.source_pages : row.pages;
        const auto tokens = cache.of_source ? int64_t{row.source} : int64_t{row.past} + row.count;
        for (int64_t p = 0; p * page_tokens < tokens; p++) {
            TORCH_CHECK(pages[p] >= 0 && pages[p] < reserved, "page ", pages[p], " is none of ", reserved);
        }
    }
}

void check_lookup(const Batch& batch, const Embed& embed) {
    const auto* numbers = numbers_of(batch, embed.source);
    if (numbers == nullptr) {
        return;
    }
    const auto* name = embed.source == Source::ids ? "token " : embed.source == Source::types ? "token type " : "position ";
    const auto rows = embed.table.size(0);
    for (int32_t i = 0; i < batch.tokens; i++) {
        TORCH_CHECK(numbers[i] + embed.offset >= 0 && numbers[i] + embed.offset < rows, name, numbers[i], " is out of range: the table has ", rows, " rows");
    }
}

void check_turns(const Batch& batch, const Heads& heads) {
    if (!heads.cosine.defined()) {
        return;
    }
    for (int32_t i = 0; i < batch.tokens; i++) {
        TORCH_CHECK(batch.positions[i] >= 0 && batch.positions[i] < heads.cosine.size(0), "position ", batch.positions[i], " is none of ", heads.cosine.size(0));
    }
}

void check_distances(const Batch& batch, const Attend& attend) {
    if (!attend.bias.defined()) {
        return;
    }
    for (int32_t i = 0; i < batch.row_count; i++) {
        const auto& row = batch.rows[i];
        TORCH_CHECK(row.tree == nullptr && int64_t{row.past} + row.count <= attend.task.bias_origin, "row ", i, " has ", int64_t{row.past} + row.count,
                    " tokens, or a tree; there are biases for distances below ", attend.task.bias_origin);
    }
}

}  // namespace

void Step::check(const Batch& batch) const {
    check_rows(batch);
    if (outputs_ > 0 && batch.selected_count > 0) {
        TORCH_CHECK(batch.output != nullptr && batch.output_row >= outputs_, "expected room for ", outputs_, " numbers of each selected token, found ",
                    batch.output == nullptr ? 0 : batch.output_row);
    }
    if (writes_source_) {
        for (int32_t i = 0; i < batch.row_count; i++) {
            const auto& row = batch.rows[i];
            const auto tokens = int64_t{row.past} + row.count;
            TORCH_CHECK(tokens <= row.source, "row ", i, " has ", tokens, " tokens for a source of ", row.source);
        }
    }
    for (const auto& cache : caches_) {
        check_pages(batch, cache);
    }
    for (const auto& instruction : instructions_) {
        if (const auto* embed = std::get_if<Embed>(&instruction)) {
            check_lookup(batch, *embed);
        } else if (const auto* heads = std::get_if<Heads>(&instruction)) {
            check_turns(batch, *heads);
        } else if (const auto* attend = std::get_if<Attend>(&instruction)) {
            check_distances(batch, *attend);
        }
    }
}

}  // namespace understudy
