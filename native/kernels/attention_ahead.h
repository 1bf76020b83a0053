// Asks for the memory of the next task while this one computes: the rows of one head are pages apart, which no prefetcher of
// the processor foresees, and a head computes about as long as its rows take to arrive.
#pragma once

#include "kernels/attention_pack.h"

#include <initializer_list>

namespace understudy {
namespace {

template <class In>
class Ahead {
public:
    // steps: how often step() will be called.
    Ahead(const Attention& x, const AttentionTask* next, int64_t steps) : x_(x), next_(next) {
        if (next != nullptr) {
            const auto& row = x.rows[next->row];
            tokens_ = row.tokens > row.keys ? row.tokens : row.keys;
            at_once_ = steps > 0 ? (tokens_ + steps - 1) / steps : 0;
        }
    }

    void step() {
        const auto end = done_ + at_once_ < tokens_ ? done_ + at_once_ : tokens_;
        for (; done_ < end; done_++) {
            const auto& row = x_.rows[next_->row];
            const auto head = next_->key_head * (x_.heads / x_.key_heads);
            if (done_ < row.tokens) {
                for (const auto* matrix : {&x_.query, &x_.output, &x_.upstream, &x_.query_gradient}) {
                    fetch(*matrix, row.batch, head, row.first_query + done_);
                }
            }
            if (done_ < row.keys) {
                for (const auto* matrix : {&x_.key, &x_.value, &x_.key_gradient, &x_.value_gradient}) {
                    fetch(*matrix, row.batch, next_->key_head, row.first_key + done_);
                }
            }
        }
    }

private:
    void fetch(const AttentionMatrix& matrix, int64_t batch, int64_t head, int64_t token) const {
        if (matrix.data == nullptr) {
            return;
        }
        const auto* bytes = reinterpret_cast<const char*>(row_of<In>(matrix, batch, head, token));
        for (int64_t i = 0; i < x_.dim * static_cast<int64_t>(sizeof(In)); i += 64) {
            __builtin_prefetch(bytes + i, 0, 2);
        }
    }

    const Attention& x_;
    const AttentionTask* next_;
    int64_t tokens_ = 0;
    int64_t at_once_ = 0;
    int64_t done_ = 0;
};

}  // namespace
}  // namespace understudy
