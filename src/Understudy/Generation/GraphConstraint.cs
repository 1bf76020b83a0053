using System.Collections.Concurrent;
using Understudy.Tokenization;

namespace Understudy.Generation;

/// <summary>
/// A constraint on the text that tokens make, whichever tokens make it. What may follow a state is worked out once and kept, within bounds, so that a
/// step costs no more than setting the logits. Immutable but for what it keeps, and safe for use from several threads.
/// </summary>
internal sealed class GraphConstraint : ITokenConstraint
{
    private const long DefaultMaxKeptBytes = 64L << 20;

    private readonly ByteGraph graph;
    private readonly TokenWalk walk;
    private readonly LiveStates live;
    private readonly int[] ends;
    private readonly TokenMask afterEnd = new([]);
    private readonly ConcurrentDictionary<(ByteState State, bool IsFirst), TokenMask> masks = [];
    private readonly long maxKeptBytes;
    private long keptBytes;

    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="graph">The texts.</param>
    /// <param name="endOfTextTokenIds">Tokens that end a text; null or none where nothing but completeness does.</param>
    /// <param name="maxKeptBytes">About how much memory the sets of tokens may take that are kept.</param>
    /// <exception cref="ArgumentException">A token is negative.</exception>
    public GraphConstraint(Tokenizer tokenizer, ByteGraph graph, IEnumerable<int>? endOfTextTokenIds, long maxKeptBytes = DefaultMaxKeptBytes)
    {
        ends = [.. endOfTextTokenIds ?? []];
        if (ends.Any(token => token < 0)) throw new ArgumentException("Expected token ids of at least 0, found a negative one.", nameof(endOfTextTokenIds));
        (this.graph, this.maxKeptBytes) = (graph, maxKeptBytes);
        walk = new TokenWalk(tokenizer.TokenBytes, graph, ends);
        live = new LiveStates(walk);
        CanBegin = live.CanBegin();
    }

    /// <summary>Whether the tokens can write any of the texts.</summary>
    public bool CanBegin { get; }

    /// <summary>Whether every byte of the texts is a token of its own, so that the tokens can write all of them.</summary>
    public bool CanWriteAll => walk.HasAllBytes;

    /// <summary>How many sets of tokens are kept.</summary>
    internal int KeptMasks => masks.Count;

    /// <inheritdoc/>
    public TokenConstraintState Begin() => new State(this);

    private TokenMask MaskOf(ByteState state, bool isFirst)
    {
        // Where no token can reach the limit of a string its place does not matter; the tokens that close it are there in any case.
        if (walk.AlwaysEnds && state.Left > walk.MaxBytes) state = state with { Left = walk.MaxBytes };
        if (masks.TryGetValue((state, isFirst), out var mask)) return mask;
        var allowed = new List<int>();
        if (graph.MayEnd(state)) allowed.AddRange(ends);
        walk.Visit(state, isFirst, (tokens, next) =>
        {
            if (!live.Contains(next)) return;
            foreach (var token in tokens)
            {
                if (walk.IsText(token)) allowed.Add(token);
            }
        });
        mask = new TokenMask(allowed);
        if (Interlocked.Add(ref keptBytes, mask.Bytes) > maxKeptBytes)
        {
            masks.Clear();
            Interlocked.Exchange(ref keptBytes, mask.Bytes);
        }

        masks[(state, isFirst)] = mask;
        return mask;
    }

    private sealed class State(GraphConstraint constraint) : TokenConstraintState
    {
        private ByteState state = constraint.graph.Start;
        private bool isFirst = true;
        private bool hasEnded;

        public override bool IsComplete => hasEnded || constraint.graph.MustEnd(state);

        public override void Mask(Span<float> logits) => (hasEnded ? constraint.afterEnd : constraint.MaskOf(state, isFirst)).Apply(logits);

        public override void Append(int token)
        {
            if (!hasEnded && constraint.graph.MayEnd(state) && constraint.ends.Contains(token))
            {
                hasEnded = true;
                return;
            }

            if (hasEnded || !constraint.walk.TryStep(state, token, isFirst, out var next) || !constraint.live.Contains(next)) throw CannotFollow(token);
            (state, isFirst) = (next, false);
        }

        public override TokenConstraintState Clone() => (State)MemberwiseClone();
    }
}
