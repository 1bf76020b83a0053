namespace Understudy.Recipes;

/// <summary>What <see cref="BenchGenerate"/> measures: the rows of its table.</summary>
public enum BenchGenerateItem
{
    /// <summary>New tokens of many rows at once.</summary>
    Decode,

    /// <summary>New tokens of one row.</summary>
    DecodeOne,

    /// <summary>Prompts, with the logits of their last tokens alone.</summary>
    Prompt,

    /// <summary>New tokens of one row with the linear layers in int8, in turns with bfloat16.</summary>
    Int8,

    /// <summary>Labels scored after prompts, in turns with one prompt for every label.</summary>
    Labels,

    /// <summary>Prompts that begin alike, in turns with an engine that keeps no beginnings.</summary>
    Prefix,

    /// <summary>A job of prompts and texts of all lengths, in turns with one of equal lengths.</summary>
    Mixed,

    /// <summary>Beam search over an encoder-decoder's targets.</summary>
    Beams,

    /// <summary>Memory of keys and values beside what the tokens in it need.</summary>
    Cache,

    /// <summary>What a process grows by over many short rows.</summary>
    Growth,

    /// <summary>Rows of equal length through a classifier.</summary>
    Classify,

    /// <summary>Short texts through tokenizer and classifier.</summary>
    Predict,
}
