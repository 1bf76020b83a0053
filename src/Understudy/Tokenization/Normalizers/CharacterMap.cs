using System.Buffers.Binary;

namespace Understudy.Tokenization.Normalizers;

/// <summary>
/// SentencePiece's <c>precompiled_charsmap</c>: the length of a double-array trie in bytes (32 bits), the trie as units of 32
/// bits, and the replacements in UTF-8, each ended by a zero byte; all little-endian. The trie is that of Darts-clone:
/// bits 0 to 7 of a unit are its label, bit 8 says that a value is at its children's base, bits 10 to 30 are the exclusive-or distance to
/// that base, times 256 if bit 9 is set; a unit with bit 31 is a value, which is a position in the replacements.
/// Everything that can be reached from the root is checked when the map is read, so that looking up cannot leave it.
/// </summary>
internal sealed class CharacterMap
{
    private const uint ValueFlag = 1u << 31;

    private readonly uint[] units;
    private readonly byte[] replacements;

    private CharacterMap(uint[] units, byte[] replacements)
    {
        this.units = units;
        this.replacements = replacements;
    }

    /// <exception cref="FormatException">The map is damaged; the message continues "the charsmap ".</exception>
    public static CharacterMap Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4) throw new FormatException($"has {bytes.Length} bytes, which is too few for the length of its trie");
        var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (length < 4 || length % 4 != 0 || length > bytes.Length - 4)
            throw new FormatException($"says that its trie has {length} bytes, but {bytes.Length - 4} follow, and it must be a positive multiple of 4");
        var units = new uint[length / 4];
        for (var i = 0; i < units.Length; i++) units[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 + (i * 4))..]);
        var replacements = bytes[(4 + (int)length)..].ToArray();
        if (!System.Text.Unicode.Utf8.IsValid(replacements)) throw new FormatException("has replacements that are not UTF-8");
        var map = new CharacterMap(units, replacements);
        map.Check();
        return map;
    }

    /// <summary>
    /// The replacement of the shortest beginning of <paramref name="text"/> that has one, or null. That it stands for the
    /// whole text, however long, is the reference's reading of the map.
    /// </summary>
    public string? Find(ReadOnlySpan<char> text)
    {
        Span<byte> utf8 = stackalloc byte[4];
        var node = Children(0);
        foreach (var rune in text.EnumerateRunes())
        {
            var count = rune.EncodeToUtf8(utf8);
            foreach (var label in utf8[..count])
            {
                if (label == 0) return null;
                var unit = node ^ label;
                if (!IsChild(unit, label)) return null;
                node = Children(unit);
                if (HasValue(unit)) return Replacement(units[node] & ~ValueFlag);
            }
        }
        return null;
    }

    private string Replacement(uint position)
    {
        var rest = replacements.AsSpan((int)position);
        var end = rest.IndexOf((byte)0);
        return System.Text.Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
    }

    private int Children(int unit) => unit ^ (int)((units[unit] >> 10) << (int)((units[unit] & (1u << 9)) >> 6));

    private bool HasValue(int unit) => (units[unit] >> 8 & 1) == 1;

    private bool IsChild(int unit, int label) => unit < units.Length && (units[unit] & (ValueFlag | 0xFF)) == label;

    private void Check()
    {
        var seen = new bool[units.Length];
        var open = new Stack<int>([0]);
        while (open.TryPop(out var unit))
        {
            var node = Children(unit);
            for (var label = 1; label <= 0xFF; label++)
            {
                var child = node ^ label;
                if (!IsChild(child, label) || seen[child]) continue;
                seen[child] = true;
                // The root's own value stands for no text, but a damaged map may lead back to it.
                if (HasValue(child)) CheckValue(child, Children(child));
                open.Push(child);
            }
        }
    }

    private void CheckValue(int unit, int node)
    {
        if (node >= units.Length) throw new FormatException($"has a trie of {units.Length} units, of which number {unit} has its value at number {node}");
        var position = units[node] & ~ValueFlag;
        if (position > replacements.Length)
            throw new FormatException($"has {replacements.Length} bytes of replacements, but number {unit} of its trie stands for those from {position}");
        if (position < replacements.Length && (replacements[position] & 0xC0) == 0x80)
            throw new FormatException($"has a replacement that begins at {position}, which is inside a character");
    }
}
