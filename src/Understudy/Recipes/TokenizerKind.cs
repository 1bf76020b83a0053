namespace Understudy.Recipes;

/// <summary>The tokenizers that can be learnt from text.</summary>
public enum TokenizerKind
{
    /// <summary>Byte-pair encoding over bytes, as GPT-2, GPT-NeoX and RoBERTa have it: any text can be encoded and decoded without loss.</summary>
    ByteLevelBpe,

    /// <summary>WordPiece over lower-cased words, as BERT has it.</summary>
    WordPiece,
}
