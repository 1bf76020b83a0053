namespace Understudy.Tokenization.Models;

/// <summary>Finds every token that begins at a place in a text. A token that comes twice counts as its last mention.</summary>
internal sealed class TokenTrie
{
    private readonly Dictionary<long, int> children = [];
    private readonly List<int> ids = [-1];

    public TokenTrie(IEnumerable<string> tokens)
    {
        var id = 0;
        foreach (var token in tokens)
        {
            var node = 0;
            foreach (var character in token)
            {
                if (!children.TryGetValue(Key(node, character), out var child))
                {
                    child = ids.Count;
                    ids.Add(-1);
                    children.Add(Key(node, character), child);
                }
                node = child;
            }
            ids[node] = id++;
        }
    }

    /// <summary>Goes on by <paramref name="character"/> from <paramref name="node"/>, which is 0 at the beginning; <paramref name="id"/> is the token that ends here, or -1.</summary>
    /// <returns>False when no token goes on so.</returns>
    public bool TryStep(ref int node, char character, out int id)
    {
        var known = children.TryGetValue(Key(node, character), out var child);
        id = known ? ids[child] : -1;
        if (known) node = child;
        return known;
    }

    private static long Key(int node, char character) => (long)node << 16 | character;
}
