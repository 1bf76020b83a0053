namespace Understudy.Tokenization.Models;

/// <summary>A word as symbols of the vocabulary.</summary>
/// <param name="Ids">The id of each symbol.</param>
/// <param name="Lengths">How much of the word each symbol covers, in UTF-16 units, or in UTF-8 bytes when <paramref name="InBytes"/>.</param>
/// <param name="InBytes">
/// True when a character became several tokens, or was dropped for want of one. In the latter case the reference lets
/// the offsets of the rest slip by the dropped bytes, and so do we.
/// </param>
internal sealed record BpeWord(int[] Ids, int[] Lengths, bool InBytes);
