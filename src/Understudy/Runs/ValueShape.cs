using System.Reflection;

namespace Understudy.Runs;

/// <summary>The type of a value in a run file, without its nullability, which stands beside it.</summary>
internal sealed class ValueShape
{
    public ValueShape(NullabilityInfo nullability, bool isPath)
    {
        var declared = nullability.Type;
        Type = Nullable.GetUnderlyingType(declared) ?? declared;
        AllowsNull = nullability.WriteState == NullabilityState.Nullable;
        IsPath = isPath;
        if (OptionSchema.IsList(Type, out _))
            Element = new ValueShape(nullability.GenericTypeArguments[0], isPath);
        else if (OptionSchema.IsMap(Type, out _))
            Element = new ValueShape(nullability.GenericTypeArguments[1], isPath);
    }

    public Type Type { get; }

    public bool AllowsNull { get; }

    /// <summary>Whether it is a path to read, or a list of them.</summary>
    public bool IsPath { get; }

    /// <summary>What the values of a list or map look like.</summary>
    public ValueShape? Element { get; }

    public bool IsMap => Element is not null && OptionSchema.IsMap(Type, out _);
}
