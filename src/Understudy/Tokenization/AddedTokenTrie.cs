using System.Buffers;

namespace Understudy.Tokenization;

/// <summary>Finds the leftmost, there the longest, of many fixed strings. Time grows with the text times the longest string.</summary>
internal sealed class AddedTokenTrie
{
    private readonly Node root = new();
    private readonly SearchValues<char> firstCharacters;

    public AddedTokenTrie(IEnumerable<(string Content, int Id)> tokens)
    {
        foreach (var (content, id) in tokens)
        {
            var node = root;
            foreach (var character in content) node = node.ChildOrNew(character);
            node.Id = id;
        }
        firstCharacters = SearchValues.Create([.. root.Characters]);
        IsEmpty = root.Characters.Count == 0;
    }

    public bool IsEmpty { get; }

    /// <summary>The next occurrence at or after <paramref name="from"/>.</summary>
    public bool TryFind(ReadOnlySpan<char> text, int from, out int start, out int end, out int id)
    {
        for (start = from; start < text.Length; start++)
        {
            var skip = text[start..].IndexOfAny(firstCharacters);
            if (skip < 0) break;
            start += skip;
            id = -1;
            end = start;
            var node = root;
            for (var i = start; i < text.Length && node.Child(text[i]) is { } child; i++)
            {
                node = child;
                if (node.Id < 0) continue;
                id = node.Id;
                end = i + 1;
            }
            if (id >= 0) return true;
        }
        end = start;
        id = -1;
        return false;
    }

    private sealed class Node
    {
        private readonly Dictionary<char, Node> children = [];

        public int Id { get; set; } = -1;

        public Dictionary<char, Node>.KeyCollection Characters => children.Keys;

        public Node? Child(char character) => children.GetValueOrDefault(character);

        public Node ChildOrNew(char character)
        {
            if (!children.TryGetValue(character, out var child)) children[character] = child = new Node();
            return child;
        }
    }
}
