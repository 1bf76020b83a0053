using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>A causal model that goes on from prompts.</summary>
internal sealed class CausalDecoding(ICausalLanguageModel model) : IDecoding
{
    public int VocabularySize => model.VocabularySize;

    public int Room(IReadOnlyList<int> text) => model.MaxLength - text.Count;

    public IReadOnlyList<int> Beginning(IReadOnlyList<int> text) => text;

    public void Check(IReadOnlyList<int> text, int index) => DecodingInput.CheckPrompt(text, $"Prompt {index}", model);

    public bool Fits(int longest, int room) => longest + room <= model.MaxLength;

    public IDecodingPass Begin(IReadOnlyList<IReadOnlyList<int>> texts) => new Pass(model, new PromptPass(model, texts));

    private sealed class Pass(ICausalLanguageModel model, PromptPass prompts) : IDecodingPass
    {
        public IDecodingState Run(IReadOnlyList<IReadOnlyList<int>> texts, int room)
        {
            using var scope = torch.NewDisposeScope();
            return new State(model, prompts.Run(texts, room));
        }

        public void Dispose() => prompts.Dispose();
    }

    private sealed class State : IDecodingState
    {
        private readonly ICausalLanguageModel model;
        private readonly KeyValueCache cache;
        private Tensor? mask;

        public State(ICausalLanguageModel model, PromptBatch prompts)
        {
            (this.model, cache) = (model, prompts.Cache);
            Logits = DisposeScope.Detach(prompts.Logits);
            mask = prompts.Mask is null ? null : DisposeScope.Detach(prompts.Mask);
        }

        public int Rows => cache.Batch;

        public Tensor Logits { get; private set; }

        public void Keep(ReadOnlySpan<long> rows, bool sameTexts)
        {
            var moved = !cache.KeepsOrder(rows) && !(sameTexts && rows.Length == Rows);
            cache.Keep(rows);
            // Padding is the text's, so that beams share it.
            if (mask is null || !moved) return;
            mask = DecodingInput.Selected(mask, rows);
        }

        public void Step(ReadOnlySpan<long> tokens)
        {
            var device = Logits.device;
            Logits.Dispose();
            using var scope = torch.NewDisposeScope();
            var hidden = model.Hidden(torch.tensor(tokens, tokens.Length, 1).to(device), mask?.narrow(1, 0, cache.Length + 1), cache);
            Logits = DisposeScope.Detach(model.Logits(hidden).view(tokens.Length, model.VocabularySize));
        }

        public void Dispose()
        {
            Logits.Dispose();
            mask?.Dispose();
            cache.Dispose();
        }
    }
}
