using Understudy.Models;
using Understudy.Torch;

namespace Understudy.Generation;

/// <summary>An encoder-decoder that makes targets for sources.</summary>
/// <param name="model">The model.</param>
/// <param name="start">Id that targets begin with; null for the model's own.</param>
internal sealed class SequenceToSequenceDecoding(ISequenceToSequenceModel model, int? start) : IDecoding
{
    private readonly int[] beginning = [Start(model, start)];

    public int VocabularySize => model.VocabularySize;

    public int Room(IReadOnlyList<int> text) => model.MaxTargetLength - beginning.Length;

    public IReadOnlyList<int> Beginning(IReadOnlyList<int> text) => beginning;

    // Sources are padded to the longest, and targets have a length of their own.
    public bool Fits(int longest, int room) => true;

    public void Check(IReadOnlyList<int> text, int index)
    {
        if (text.Count == 0) throw new ArgumentException($"Source {index} has no tokens. Let the tokenizer add its end-of-text token.");
        if (text.Count > model.MaxLength) throw new ArgumentException($"Source {index} has {text.Count} tokens, the model takes at most {model.MaxLength}. Shorten it.");
        DecodingInput.CheckTokens(text, $"Source {index}", model.VocabularySize);
    }

    public IDecodingPass Begin(IReadOnlyList<IReadOnlyList<int>> texts)
    {
        for (var i = 0; i < texts.Count; i++) Check(texts[i], i);
        return new Pass(model, beginning[0]);
    }

    private static int Start(ISequenceToSequenceModel model, int? start)
    {
        if (start is { } id && (uint)id >= (uint)model.VocabularySize)
            throw new ArgumentOutOfRangeException(nameof(start), id, $"Expected the id of a token, below {model.VocabularySize}.");
        return start ?? model.DecoderStartTokenId;
    }

    private sealed class Pass(ISequenceToSequenceModel model, int start) : IDecodingPass
    {
        public IDecodingState Run(IReadOnlyList<IReadOnlyList<int>> texts, int room) => new State(model, start, texts, room);

        public void Dispose()
        {
        }
    }

    private sealed class State : IDecodingState
    {
        private readonly ISequenceToSequenceModel model;
        private readonly SequenceToSequenceCache cache;
        private readonly Tensor encoded;
        private Tensor? mask;

        public State(ISequenceToSequenceModel model, int start, IReadOnlyList<IReadOnlyList<int>> texts, int room)
        {
            this.model = model;
            cache = model.NewCache(texts.Count, room + 1);
            try
            {
                using var scope = torch.NewDisposeScope();
                var device = model.Parameters[0].Value.device;
                var (ids, real) = DecodingInput.Pad(texts, model.PadTokenId);
                var onDevice = real?.to(device);
                var source = model.Encode(ids.to(device), onDevice);
                var first = torch.full([texts.Count, 1], start, ScalarType.Int64, device);
                var logits = model.Logits(model.Decode(first, source, onDevice, cache)).view(texts.Count, model.VocabularySize);
                encoded = DisposeScope.Detach(source);
                mask = onDevice is null ? null : DisposeScope.Detach(onDevice);
                Logits = DisposeScope.Detach(logits);
            }
            catch
            {
                cache.Dispose();
                throw;
            }
        }

        public int Rows => cache.Target.Batch;

        public Tensor Logits { get; private set; }

        public void Keep(ReadOnlySpan<long> rows, bool sameTexts)
        {
            var moved = !cache.Target.KeepsOrder(rows) && !(sameTexts && rows.Length == Rows);
            cache.Keep(rows, sameTexts);
            if (mask is null || !moved) return;
            mask = DecodingInput.Selected(mask, rows);
        }

        public void Step(ReadOnlySpan<long> tokens)
        {
            var device = Logits.device;
            Logits.Dispose();
            using var scope = torch.NewDisposeScope();
            // The cache knows the source; what was encoded is not looked at again.
            var hidden = model.Decode(torch.tensor(tokens, tokens.Length, 1).to(device), encoded, mask, cache);
            Logits = DisposeScope.Detach(model.Logits(hidden).view(tokens.Length, model.VocabularySize));
        }

        public void Dispose()
        {
            Logits.Dispose();
            encoded.Dispose();
            mask?.Dispose();
            cache.Dispose();
        }
    }
}
