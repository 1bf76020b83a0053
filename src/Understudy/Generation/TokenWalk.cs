using Understudy.Tokenization;

namespace Understudy.Generation;

/// <summary>Follows all tokens of a vocabulary through an automaton at once. Immutable.</summary>
internal sealed class TokenWalk
{
    private readonly TokenBytes tokens;
    private readonly HashSet<int> endsInText;
    private readonly bool[] ending;

    /// <param name="tokens">The bytes of the tokens.</param>
    /// <param name="graph">The automaton.</param>
    /// <param name="ends">Tokens that end a text; they are never a part of it.</param>
    public TokenWalk(TokenBytes tokens, ByteGraph graph, IEnumerable<int> ends)
    {
        (this.tokens, Graph) = (tokens, graph);
        endsInText = [.. ends.Where(tokens.IsText)];
        var trie = tokens.Trie(isFirst: false);
        var alone = new HashSet<byte>();
        for (var node = 0; node < trie.Count; node = trie.After(node))
        {
            if (AnyText(trie.Tokens(node))) alone.Add(trie.Value(node));
        }

        HasAllBytes = graph.Bytes.IsSubsetOf(alone);
        ending = graph.Ending(alone);
        AlwaysEnds = Array.TrueForAll(ending, ends => ends);
        MaxBytes = trie.MaxDepth;
    }

    /// <summary>The automaton.</summary>
    public ByteGraph Graph { get; }

    /// <summary>Whether every byte of the automaton is a token of its own: then all that bytes can write tokens can.</summary>
    public bool HasAllBytes { get; }

    /// <summary>Whether <see cref="Ends"/> holds for all states.</summary>
    public bool AlwaysEnds { get; }

    /// <summary>The bytes of the longest token.</summary>
    public int MaxBytes { get; }

    /// <summary>Tokens that lead to a state; <see cref="IsText"/> says which of them are text.</summary>
    public delegate void Visitor(ReadOnlySpan<int> tokens, ByteState state);

    /// <summary>Whether tokens of one byte lead from here to the end of a text, whatever number of characters a string may still get.</summary>
    public bool Ends(ByteState state) => ending[state.Node];

    /// <summary>Whether a token is a part of a text and does not end it.</summary>
    public bool IsText(int token) => tokens.IsText(token) && !endsInText.Contains(token);

    /// <summary>Whether one of these tokens is a part of a text and does not end it.</summary>
    public bool AnyText(ReadOnlySpan<int> found)
    {
        foreach (var token in found)
        {
            if (IsText(token)) return true;
        }

        return false;
    }

    /// <summary>Goes on by a token; false when it cannot follow.</summary>
    public bool TryStep(ByteState state, int token, bool isFirst, out ByteState next)
    {
        next = state;
        if (!IsText(token)) return false;
        foreach (var value in tokens.Of(token, isFirst))
        {
            if (!Graph.TryStep(next, value, out next)) return false;
        }

        return true;
    }

    /// <summary>Visits all tokens whose bytes can follow a state.</summary>
    public void Visit(ByteState state, bool isFirst, Visitor visit)
    {
        var trie = tokens.Trie(isFirst);
        var states = new ByteState[trie.MaxDepth + 1];
        states[0] = state;
        if (trie.Empty.Length > 0) visit(trie.Empty, state);
        for (var node = 0; node < trie.Count;)
        {
            var depth = trie.Depth(node);
            if (!Graph.TryStep(states[depth - 1], trie.Value(node), out states[depth]))
            {
                node = trie.After(node);
                continue;
            }

            if (trie.Tokens(node) is { Length: > 0 } found) visit(found, states[depth]);
            node++;
        }
    }
}
